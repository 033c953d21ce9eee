"""What a terminal shows of help, and where commands live that are looked for here."""

from pathlib import Path

import pytest
from click import Group

from shardkit.cli.main import shardkit
from tests.trainer.cli.said import said
from trainer.__main__ import COMMANDS, main
from trainer.cli import app

HELPS = [["--help"], *([each, "--help"] for each in COMMANDS if each != "train")]


@pytest.mark.parametrize("columns", [80, 140])
@pytest.mark.parametrize("words", HELPS, ids=" ".join)
def test_help_fits_its_terminal(
    words: list[str], columns: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", str(columns))
    with pytest.raises(SystemExit, match="0"):
        main(words)
    text = capsys.readouterr().out
    assert max(map(len, text.splitlines())) <= min(columns - 1, 100)
    assert "\x1b" not in text
    assert "examples:" in text or words == ["--help"]


def test_the_data_tools_are_told_apart(capsys: pytest.CaptureFixture[str]) -> None:
    assert isinstance(shardkit, Group)
    assert {*shardkit.commands} - {"doctor"} == app._OF_SHARDKIT  # noqa: SLF001 - it cannot be imported there
    assert said(capsys, "pack", "a", "b", code=2).endswith("pack is a command of shardkit: `shardkit pack --help`.")


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["run.toml"], "Did you mean --config run.toml?"),
        (["--data.path"], "--data.path has no value: it must be a text."),
        (["--data.sampler", "pkk"], "and it is 'pkk'. Did you mean pk?"),
        (["--optim.base_lrr", "3"], "Did you mean --optim.base_lr?"),
        (["--config", "fingerprint-small"], "Did you mean fingerprints-small?"),
        (["plan", "--card", "4"], "there is no flag --card. Did you mean --cards?"),
    ],
)
def test_what_was_meant_is_asked(
    words: list[str], says: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert says in said(capsys, *words, code=2)
