"""A flag for every setting, stronger than the file, and one sentence for every mistake."""

import pytest
from hypothesis import given, settings

from tests.trainer.config.configs import configs
from trainer.config.files import load_config
from trainer.config.schema import Config
from trainer.config.settings import settings as settings_
from trainer.config.settings import values_of
from trainer.errors import UsageError


def _words(name: str, value: object) -> list[str]:
    if isinstance(value, tuple):
        return [f"--{name}", *map(str, value)]
    return [f"--{name}={str(value).lower() if isinstance(value, bool) else value}"]


@settings(max_examples=40)
@given(configs())
def test_any_config_can_be_said_in_flags(config: Config) -> None:
    words = [word for name, value in values_of(config).items() for word in _words(name, value)]
    assert load_config(words) == config


def test_no_flag_no_change() -> None:
    assert load_config([]) == Config()


@pytest.mark.parametrize(
    ("words", "name", "value"),
    [
        (["--run.epochs", "3"], "run.epochs", 3),
        (["--run.epochs=3"], "run.epochs", 3),
        (["--run.epochs", "3", "--run.epochs", "4"], "run.epochs", 4),
        (["--data.global-batch", "128"], "data.global_batch", 128),
        (["--system.compile", "true"], "system.compile", True),
        (["--log.tensorboard", "False"], "log.tensorboard", False),
        (["--augment.crop", "160", "128"], "augment.crop", (160, 128)),
        (["--optim.milestones", "2", "3.5"], "optim.milestones", (2.0, 3.5)),
        (["--optim.milestones"], "optim.milestones", ()),
        (["--validate.far", "1e-2"], "validate.far", (0.01,)),
        (["--data.val", ""], "data.val", ""),
        (["--data.val="], "data.val", ""),
        (["--run.folder=--odd-one=x"], "run.folder", "--odd-one=x"),
        (["--profile"], "log.profile", 20),
        (["--profile", "7"], "log.profile", 7),
        (["--profile=7"], "log.profile", 7),
        (["--profile", "--run.seed", "1"], "log.profile", 20),
    ],
)
def test_ways_to_say_it(words: list[str], name: str, value: object) -> None:
    assert values_of(load_config(words))[name] == value


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["--run.epoch", "3"], "There is no flag --run.epoch. Did you mean --run.epochs?"),
        (["--epochs", "3"], "There is no flag --epochs. Did you mean --run.epochs?"),
        (["--data.epochs=3"], "Did you mean --run.epochs?"),
        (["--optm.clip=3"], "Did you mean --optim.clip?"),
        (["--zzz"], "There is no flag --zzz. `python"),
        (["--run.epochs", "ten"], "--run.epochs must be a whole number, and it is 'ten'."),
        (["--run.epochs=1.5"], "--run.epochs must be a whole number, and it is '1.5'."),
        (["--run.epochs"], "--run.epochs has no value: it must be a whole number."),
        (["--run.epochs", "3", "4"], "--run.epochs must be a whole number, and it is '3 4'."),
        (["--run.wait", "long"], "--run.wait must be a number, and it is 'long'."),
        (
            ["--ema.decay", "0.9", "--system.compile", "maybe"],
            "--system.compile must be true or false, and it is 'maybe'.",
        ),
        (["--augment.crop", "160"], "--augment.crop must be two whole numbers, and it is '160'."),
        (["--optim.milestones", "soon"], "--optim.milestones must be some numbers, and it is 'soon'."),
        (["--head.name", "arc"], "must be one of 'softmax', 'cosface', 'arcface', 'adaface', and it is 'arc'."),
        (["--run.folder"], "--run.folder has no value: it must be a text."),
        (["run.toml"], "'run.toml' follows no flag."),
        (["--run.folder", "a\udce4"], "is no UTF-8"),
        (["--config"], "--config names one file or one recipe (arrays, demo, "),
        (["--config", "--run.epochs", "3"], "--config names one file or one recipe (arrays, demo, "),
        (["--config=demo", "--config=demo"], "--config names one file or one recipe (arrays, demo, "),
        (["--config", "dem"], "Did you mean demo?"),
    ],
)
def test_mistakes_are_told_in_one_sentence(words: list[str], says: str, capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(UsageError) as error:
        load_config(words)
    assert says in str(error.value)
    assert "\n" not in str(error.value)
    assert capfd.readouterr() == ("", "")


def test_help_lists_every_setting_in_80_columns(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    with pytest.raises(SystemExit) as end:
        load_config(["--config", "demo", "--help"])
    assert end.value.code == 0
    said = capsys.readouterr().out
    assert all(f"--{name} " in said for name in settings_())
    assert max(map(len, said.splitlines())) <= 80
    assert "Passes over the training split." in said
    assert "{true,false}" in said
    assert "Exit codes" in said
    assert "twins-data-optimised" in said
