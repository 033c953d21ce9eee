"""docs/training.md names fields, commands and exit codes that exist."""

import re
import tomllib
from pathlib import Path

import pytest

from trainer.__main__ import COMMANDS
from trainer.config.checks import check_config
from trainer.config.files import load_config
from trainer.config.schema import Config
from trainer.config.settings import values_of

README = (Path(__file__).parents[1] / "README.md").read_text()
DOCUMENT = (Path(__file__).parents[1] / "docs/training.md").read_text()
FIELDS = set(values_of(Config()))


def test_its_config_is_one(tmp_path: Path) -> None:
    (shown,) = re.findall(r"```toml\n(.*?)```", DOCUMENT, re.DOTALL)
    (tmp_path / "run.toml").write_text(shown)
    config = load_config(["--config", str(tmp_path / "run.toml")])
    assert tomllib.loads(shown)["augment"]["crop"] == list(config.augment.crop)


def test_every_field_that_it_names_is_there() -> None:
    sections = {name.partition(".")[0] for name in FIELDS}
    named = {name for name in re.findall(r"`(?:--)?([a-z]+\.[a-z_]+)", DOCUMENT) if name.partition(".")[0] in sections}
    files = {"run.md", "run.toml", "model.safetensors"}
    assert named - FIELDS - files == set()
    assert len(named - files) >= 10


@pytest.mark.parametrize("command", re.findall(r"-m trainer ([a-z]+)", DOCUMENT))
def test_every_command_that_it_names_is_there(command: str) -> None:
    assert command in COMMANDS


@pytest.mark.parametrize(
    ("ranks", "recipe"), re.findall(r"nproc_per_node=(\d+) -m trainer --config (\w+) ", README), ids=str
)
def test_the_readme_starts_no_more_ranks_than_its_recipe_has_room_for(ranks: str, recipe: str) -> None:
    check_config(load_config(["--config", recipe, "--data.path", "packed"]), int(ranks), "cpu")


def test_every_command_is_named() -> None:
    assert {"train", *re.findall(r"-m trainer ([a-z]+)", DOCUMENT)} == set(COMMANDS)
