"""Colours on a terminal that wants them; none in a pipe, in JSON, or where they are refused; never a stranger's."""

import subprocess
import sys
from pathlib import Path

import pytest

from shardkit.cli.console import fold
from tests.shardkit.cli.terminal import on_terminal

SHARDKIT = Path(sys.executable).with_name("shardkit")
SAYING = "from shardkit.cli.console import green, say; say(green('o\\x1b[31mk'), ' \\x1b[32mx')"


def test_a_terminal_shows_colours() -> None:
    assert "\x1b[1mMake a dataset:\x1b[0m" in on_terminal([SHARDKIT, "--help"], 80, {})
    assert on_terminal([SHARDKIT, "pakc"], 80, {}).startswith(
        "\x1b[31m\x1b[1mError:\x1b[0m There is no command 'pakc'."
    )


def test_verdicts_are_coloured(packed_once: Path) -> None:
    said = on_terminal([SHARDKIT, "verify", "--quick", packed_once], 80, {})
    assert "\x1b[32mno damage\x1b[0m" in said

    said = on_terminal([SHARDKIT, "doctor", packed_once], 80, {})
    assert "\x1b[32mok       \x1b[0mcores" in said
    assert "\\x1b" not in said


@pytest.mark.parametrize("refusal", [{"NO_COLOR": "1"}, {"TERM": "dumb"}], ids=str)
def test_who_wants_none_gets_none(refusal: dict[str, str]) -> None:
    assert "\x1b" not in on_terminal([SHARDKIT, "--help"], 80, refusal)
    assert "\x1b" not in on_terminal([SHARDKIT, "pakc"], 80, refusal)


def test_a_pipe_gets_none(packed_once: Path) -> None:
    ended = subprocess.run([SHARDKIT, "verify", packed_once, "--json"], capture_output=True, check=True)
    assert b"\x1b" not in ended.stdout + ended.stderr


def test_a_dumb_terminal_gets_lines_and_no_bar(packed_once: Path) -> None:
    said = on_terminal([SHARDKIT, "verify", packed_once], 80, {"TERM": "dumb"})
    assert "\x1b" not in said
    assert "━" not in said


def test_what_a_stranger_wrote_colours_nothing() -> None:
    said = on_terminal([sys.executable, "-c", SAYING], 80, {})
    assert said == "\x1b[32mo\\x1b[31mk\x1b[0m \\x1b[32mx\r\n"


def test_a_long_sentence_is_folded_between_words_and_no_command_is() -> None:
    text = "Error: it cannot be meant. Call `shardkit pack fingers packed` and look at what it says."
    assert fold(text, 200) == text
    assert fold(text, 40).splitlines() == [
        "Error: it cannot be meant. Call",
        "  `shardkit pack fingers packed` and",
        "  look at what it says.",
    ]


@pytest.mark.parametrize("text", ["    → mount -o remount,noatime /", "threads  copy only      read", "two\nlines of"])
def test_what_is_no_sentence_stays(text: str) -> None:
    assert fold(text, 10) == text


def test_a_bar_is_one_line_however_narrow() -> None:
    program = (
        "from shardkit.cli.progress import show_progress\n"
        "with show_progress('images', 1_500_000) as shown: shown.advance(700_000, 10**12)"
    )
    for columns in (40, 80, 140):
        said = on_terminal([sys.executable, "-c", program], columns, {"NO_COLOR": "1"})
        assert said.count("\n") == 1
        assert "700,000 of 1,500,000" in said
