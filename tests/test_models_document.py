"""docs/models.md names models, fields and recipes that exist, and counts parameters rightly."""

import re
from pathlib import Path

import pytest

from trainer.config.files import load_config, recipe_names
from trainer.config.schema import Config
from trainer.config.settings import values_of
from trainer.models.layers import BackboneSpec
from trainer.models.registry import BACKBONES, count_parameters

DOCUMENT = (Path(__file__).parents[1] / "docs/models.md").read_text()
SIZED = r"(\d) \S (\d+) \S (\d+) \| ([\d +]+) \| ([\d,]+)"
MODELS = re.findall(rf"^\| (?:`([a-z0-9-]+)`)? \|(.*?)\| {SIZED} \|", DOCUMENT, re.MULTILINE)
OF_MODEL = r"`([a-z-]+)`(?:, (\d+ \d+ \d+))? \| (\d+)"
RECIPES = re.findall(rf"^\| `([a-z0-9.-]+)` \| [^|]+ \| {OF_MODEL} \|$", DOCUMENT, re.MULTILINE)


def test_every_model_is_told() -> None:
    assert {name for name, *_ in MODELS if name} == set(BACKBONES)


@pytest.mark.parametrize(("name", "what", "channels", "height", "width", "numbers", "count"), MODELS)
def test_parameters_are_counted(  # noqa: PLR0917 - a line of the table
    name: str, what: str, channels: str, height: str, width: str, numbers: str, count: str
) -> None:
    blocks = re.search(r"= (\d+) (\d+) (\d+)", what)
    shape = BackboneSpec(
        int(channels),
        (int(height), int(width)),
        sum(map(int, numbers.split("+"))),
        blocks=tuple(map(int, blocks.groups())) if blocks else (12, 1, 12),  # type: ignore[arg-type]  # three of them
    )
    assert f"{count_parameters(name or 'twins', shape):,}" == count


def test_every_recipe_is_told() -> None:
    assert {name for name, *_ in RECIPES} == set(recipe_names())


@pytest.mark.parametrize(("name", "model", "blocks", "row"), RECIPES)
def test_a_recipe_is_what_is_told_of_it(name: str, model: str, blocks: str, row: str) -> None:
    config = load_config(["--config", name])
    assert (config.model.name, config.data.global_batch) == (model, int(row))
    assert not blocks or " ".join(map(str, config.model.blocks)) == blocks


def test_every_field_that_it_names_is_there() -> None:
    fields = set(values_of(Config()))
    sections = {name.partition(".")[0] for name in fields}
    named = re.findall(r"`(?:--)?([a-z]+\.[a-z_]+)", DOCUMENT)
    assert {name for name in named if name.partition(".")[0] in sections} - fields == set()
