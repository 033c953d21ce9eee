"""A config file over the defaults, and every mistake in it with its line."""

import tomllib
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import example, given

from tests.trainer.config.configs import configs
from trainer.config.files import RECIPES, config_to_toml, load_config
from trainer.config.schema import Config, Model, Optim, Run
from trainer.config.settings import field_docs, settings, values_of, with_values
from trainer.errors import UsageError


def _file(folder: Path, text: str) -> str:
    file = folder / "run.toml"
    file.write_text(text)
    return str(file)


def test_the_file_is_over_the_defaults_and_flags_over_the_file(tmp_path: Path) -> None:
    file = _file(tmp_path, "[run]\nepochs = 3\nwait = 5\n[optim]\nbetas = [0.5, 0.6]\nmilestones = []\n")
    values = {"run.epochs": 4, "run.wait": 5.0, "optim.betas": (0.5, 0.6)}
    assert load_config(["--config", file, "--run.epochs", "4"]) == with_values(Config(), values)
    assert load_config(["--run.epochs", "4", f"--config={file}"]) == with_values(Config(), values)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("[run]\n\nepoch = 3\n", ":3: there is no setting run.epoch. Did you mean run.epochs?"),
        ("[data]\nepochs = 3\n", ":2: there is no setting data.epochs. Did you mean run.epochs?"),
        ("run.epoch = 3\n", ":1: there is no setting run.epoch. Did you mean run.epochs?"),
        ("epochs = 3\n", ":1: epochs stands outside of all sections. Did you mean run.epochs?"),
        (
            "# hello\n[optm]\nclip = 3\n",
            ":2: there is no section [optm]. Did you mean optim? The sections are run, data",
        ),
        ("run = 3\n", ":1: run is a section. Write [run], and its keys below."),
        ('[run]\nepochs = "ten"\n', ":2: run.epochs must be a whole number, and it is 'ten'."),
        ('[run]\nepochs = "10"\n', ":2: run.epochs must be a whole number, and it is '10'."),
        ("[run]\nepochs = 10.0\n", ":2: run.epochs must be a whole number, and it is 10.0."),
        ("[run]\nepochs = true\n", ":2: run.epochs must be a whole number, and it is True."),
        ("[run]\nwait = true\n", ":2: run.wait must be a number, and it is True."),
        ("[run]\nfolder = 3\n", ":2: run.folder must be a text in quotes, and it is 3."),
        ("[system]\ncompile = 1\n", ":2: system.compile must be true or false, and it is 1."),
        (
            '[head]\nname = "arc"\n',
            ":2: head.name must be one of 'softmax', 'cosface', 'arcface', 'adaface', and it is 'arc'.",
        ),
        (
            "[head]\nname = []\n",
            ":2: head.name must be one of 'softmax', 'cosface', 'arcface', 'adaface', and it is [].",
        ),
        ("[augment]\ncrop = [1, 2, 3]\n", ":2: augment.crop must be two whole numbers, and it is [1, 2, 3]."),
        ("[augment]\ncrop = [1, 2.5]\n", ":2: augment.crop must be two whole numbers, and it is [1, 2.5]."),
        ("[optim]\nmilestones = 3\n", ":2: optim.milestones must be a list of numbers, and it is 3."),
        ("[run\n", "this is no TOML. "),
        ("[run]\nepochs = 3\nepochs = 4\n", "this is no TOML. "),
    ],
)
def test_mistakes_are_told_with_their_line(tmp_path: Path, text: str, says: str) -> None:
    file = _file(tmp_path, text)
    with pytest.raises(UsageError) as error:
        load_config(["--config", file])
    assert str(error.value).startswith(file)
    assert says in str(error.value)


def test_what_is_no_text_file(tmp_path: Path) -> None:
    (tmp_path / "run.toml").write_bytes(b"\xff\xfe")
    with pytest.raises(UsageError, match="a text in UTF-8"):
        load_config(["--config", str(tmp_path / "run.toml")])
    with pytest.raises(UsageError, match="there is no file"):
        load_config(["--config", str(tmp_path)])


def test_recipes_go_by_their_names_unless_a_file_has_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert (
        load_config(["--config", "demo"])
        == load_config(["--config", "demo.toml"])
        == load_config(["--config", str(RECIPES / "demo.toml")])
    )
    (tmp_path / "demo").mkdir()  # as `make demo` leaves it
    assert load_config(["--config", "demo"]) == load_config(["--config", str(RECIPES / "demo.toml")])
    (tmp_path / "demo.toml").write_text("[run]\nepochs = 99\n")
    assert load_config(["--config", "demo.toml"]).run.epochs == 99


@pytest.mark.parametrize("recipe", sorted(RECIPES.glob("*.toml")), ids=lambda each: each.stem)
def test_recipes_leave_the_dataset_to_the_flag(recipe: Path) -> None:
    assert not load_config(["--config", str(recipe)]).data.path


def test_the_demo_is_that_of_the_table() -> None:
    values = values_of(load_config(["--config", "demo"]))
    told = {
        "augment.shrink": 2,
        "augment.crop": (160, 128),
        "model.width": 1.0,
        "head.name": "cosface",
        "head.margin": 0.1,
        "optim.name": "adamw",
        "optim.base_lr": 3e-3,
        "data.global_batch": 64,
    }
    assert {name: values[name] for name in told} == told
    assert values["run.epochs"] * (150 * 6 // 64) == pytest.approx(800, abs=10)


@given(configs())
@example(Config(run=Run(folder='a "b" \\ \x7f\x00\t\n é 😀'), optim=Optim(eps=1e-300, base_lr=1e300)))
def test_it_is_read_back_as_it_was(config: Config) -> None:
    with TemporaryDirectory() as folder:
        file = Path(folder) / "config.toml"
        file.write_bytes(config_to_toml(config).encode())
        assert load_config(["--config", str(file)]) == config


def test_it_holds_every_setting_with_its_help_and_choices() -> None:
    text = config_to_toml(Config())
    tables = tomllib.loads(text)
    assert [f"{section}.{key}" for section, table in tables.items() for key in table] == list(settings())
    assert "# Passes over the training split.\nepochs = 10\n" in text
    assert '# The way down after the warm-up. One of "cosine", "step", "polynomial", "constant".\n' in text
    assert max(map(len, text.splitlines())) <= 120


def test_help_is_that_of_the_field_above_it() -> None:
    assert field_docs()["model.embedding"] == "Length of the vector that stands for an image."
    assert field_docs()["augment.rotation"] == "Degrees, to either side."
    assert "optim.name" not in field_docs()
    assert set(field_docs()) < set(settings())
    assert Model.__doc__  # what dataclass wrote, and no field's help
