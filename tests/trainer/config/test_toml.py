"""A config that is written down is read back as it was, and says what its settings mean."""

import tomllib
from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import example, given

from tests.trainer.config.configs import configs
from trainer.config.files import config_to_toml, load_config
from trainer.config.schema import Config, Model, Optim, Run
from trainer.config.settings import field_docs, settings


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
