"""docs/cli.md and docs/trainer-cli.md say what the commands say today."""

from pathlib import Path

import pytest

import cli_reference
from trainer.config.settings import settings

PAGES = cli_reference.pages()


@pytest.mark.parametrize("name", PAGES)
def test_a_page_is_what_the_commands_say(name: str) -> None:
    told = (cli_reference.DOCS / name).read_text()
    assert told.split() == PAGES[name].split(), "run `make docs`"  # versions of Python break lines elsewhere


def test_every_setting_is_told_with_what_it_means() -> None:
    lines = PAGES["trainer-cli.md"].splitlines()
    named = [line.partition("`")[2].partition("`")[0] for line in lines if line.startswith(("| `", "| • `"))]
    assert named == list(settings())


def test_help_is_as_wide_as_the_page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever terminal, folder and colours whoever makes the pages has."""
    monkeypatch.chdir(tmp_path)
    for name, value in {"COLUMNS": "40", "FORCE_COLOR": "1", "TERM": "xterm-256color"}.items():
        monkeypatch.setenv(name, value)
    assert cli_reference.pages() == PAGES
