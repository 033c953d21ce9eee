"""Words and progress on stderr, JSON lines on stdout; a bar on a terminal alone."""

import json
import os
import pty
import re
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shardkit.cli import console, progress
from shardkit.cli.progress import format_duration


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The time, which stands still until a test changes it."""
    now = [100.0]
    monkeypatch.setattr("shardkit.cli.progress.time.monotonic", lambda: now[0])
    return now


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (0, "0 s"),
        (59.4, "59 s"),
        (59.6, "1 min 00 s"),
        (425, "7 min 05 s"),
        (3_599.6, "1 h 00 min"),
        (12_000, "3 h 20 min"),
        (360_000, "100 h 00 min"),
    ],
)
def test_durations_are_said_as_people_do(seconds: float, said: str) -> None:
    assert format_duration(seconds) == said


@given(st.floats(0, 1e9))
def test_a_duration_is_right_to_its_smallest_unit(seconds: float) -> None:
    units = {"s": 1, "min": 60, "h": 3600}
    said = re.findall(r"(\d+) (s|min|h)\b", format_duration(seconds))

    assert abs(sum(int(count) * units[unit] for count, unit in said) - seconds) <= units[said[-1][1]]
    assert all(int(count) < 60 for count, _ in said[1:])


def test_words_go_to_stderr_and_records_to_stdout(capsys: pytest.CaptureFixture[str]) -> None:
    console.say("Packing.")
    console.emit({"shard": 1})

    assert capsys.readouterr() == ('{"shard": 1}\n', "Packing.\n")


def test_words_cannot_make_a_terminal_do_more_than_show_them(capsys: pytest.CaptureFixture[str]) -> None:
    console.say("«é» …\n\tgenerations: \x1b[31m\x9b\r\u202e\udcff\x00")

    assert capsys.readouterr().err == "«é» …\\n\\tgenerations: \\x1b[31m\\x9b\\r\\u202e\\udcff\\x00\n"


def test_a_record_holds_any_file_name(capsys: pytest.CaptureFixture[str]) -> None:
    record: dict[str, object] = {"source": "\udcff\n\x1bé"}
    console.emit(record)

    [line] = capsys.readouterr().out.splitlines()
    assert line.isascii()
    assert json.loads(line) == record


def test_without_a_terminal_progress_is_a_line_every_few_seconds(
    clock: list[float], capsys: pytest.CaptureFixture[str]
) -> None:
    with progress.show_progress("images", total=1_000) as shown:
        shown.skip(200)
        for _ in range(8):
            clock[0] += 1
            shown.advance(100)

    assert capsys.readouterr() == (
        "",
        "700 of 1,000 images · 100.0/s · 3 s left\n1,000 of 1,000 images · 100.0/s · 0 s left\n",
    )


@pytest.mark.usefixtures("clock")
def test_nothing_to_do_is_said_too(capsys: pytest.CaptureFixture[str]) -> None:
    with progress.show_progress("images", total=5) as shown:
        shown.skip(5)

    assert capsys.readouterr().err == "5 of 5 images · 0.0/s\n"


def test_nobody_listening_does_not_stop_the_work() -> None:
    code = "from shardkit.cli.console import say; say('lost'); print('done')"
    with Path("/dev/full").open("w") as full:
        ended = subprocess.run([sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=full, check=True)
    assert ended.stdout == b"done\n"


def test_a_failure_claims_no_end(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(ValueError, match="mine"), progress.show_progress("images", total=5):
        raise ValueError("mine")

    assert capsys.readouterr().err == ""


ON_TERMINAL = """
from shardkit.cli.progress import show_progress; from shardkit.cli.console import say
with show_progress("images", 2_000) as shown:
    shown.skip(500)
    shown.advance()
    say("A word between.")
    shown.advance(1_499)
"""


def test_on_a_terminal_progress_is_a_bar() -> None:
    ours, theirs = pty.openpty()
    with subprocess.Popen(
        [sys.executable, "-c", ON_TERMINAL],
        stdout=subprocess.PIPE,
        stderr=theirs,
        env={**os.environ, "TERM": "xterm", "COLUMNS": "120"},
    ) as process:
        os.close(theirs)
        shown = read_all(ours)
        assert process.stdout is not None
        assert process.stdout.read() == b""

    assert process.returncode == 0
    assert "━ 0 of 2,000 images · 0.0/s" in shown
    assert "A word between.\r\n" in shown
    last = shown.splitlines()[-1]
    assert re.search(r"━+ 2,000 of 2,000 images · [\d,.]+/s · ", last)


def read_all(descriptor: int) -> str:
    """What a terminal shows, without colours; reading fails once the other side is closed."""
    read = b""
    try:
        while some := os.read(descriptor, 4_096):
            read += some
    except OSError:
        pass
    finally:
        os.close(descriptor)
    return re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", read.decode())
