"""The demo, small: every step is the real command, and what it says at its end was measured.

Whole runs take a minute or two: `make faults` has them.
"""

import json
import signal
from pathlib import Path

import pytest

from tests.tools.tool import stopped, tool
from trainer.metrics.console import format_headline
from trainer.metrics.records import read_records

SMALL = ("--subjects", 24, "--epochs", 20, "--proved", 0)  # 20 steps, with a line behind ten; `prove` has its own tests
STEPS = [
    "python tools/make_fingerprints.py",
    "shardkit pack",
    "shardkit pack",
    "shardkit verify",
    "shardkit verify",
    "shardkit repair",
    "shardkit verify",
    "python tools/compare_loaders.py",
    "shardkit order",
    "torchrun --standalone",
    "kill -9",
    "torchrun --standalone",
    "python -m",
]


@pytest.fixture(scope="module")
def shown(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    out = tmp_path_factory.mktemp("demo")
    ended = tool("demo", out, *SMALL)
    assert ended.returncode == 0, ended.stderr
    return out, ended.stderr


@pytest.mark.campaign
def test_each_step_is_shown_with_its_command(shown: tuple[Path, str]) -> None:
    commands = [line[2:] for line in shown[1].splitlines() if line.startswith("$ ")]
    assert [" ".join(each.split()[:2]) for each in commands] == STEPS


@pytest.mark.campaign
def test_the_killed_run_came_to_its_end(shown: tuple[Path, str]) -> None:
    told = read_records(shown[0] / "run" / "metrics.jsonl")
    assert [each["name"] for each in told if each["kind"] == "event"].count("resumed") == 1
    assert next(each["step"] for each in told if each["kind"] == "full") == 0


@pytest.mark.campaign
def test_the_summary_says_what_was_measured(shown: tuple[Path, str]) -> None:
    out, said = shown
    summary = said[said.index("What you saw") :]
    speeds = json.loads((out / "speeds.json").read_text())
    assert f"{speeds['streams'][str(out / 'packed')] / speeds['files']:.1f} x packed as PNGs" in summary
    judged = [each for each in read_records(out / "run" / "metrics.jsonl") if each["kind"] == "full"]
    assert (
        f"{format_headline(judged[0])} untrained, {format_headline(judged[-1])} after {judged[-1]['step']} steps"
        in summary
    )
    assert "290 in the tree" in summary
    assert (out / "contact-sheet.png").exists()
    assert (out / "run" / "plots" / "det.svg").exists()


@pytest.mark.campaign
def test_a_second_run_goes_on_with_what_is_there(shown: tuple[Path, str]) -> None:
    """Also behind a run that was stopped between its damage and its mending."""
    out, _ = shown
    with (out / "packed" / "train-000000.tar").open("r+b") as tar:
        tar.seek(5_000)
        tar.write(b"damage")

    again = tool("demo", out, *SMALL)

    assert again.returncode == 0, again.stderr
    assert "packed already" in again.stderr
    assert "stopped before it had mended" in again.stderr
    assert "kill -9" not in again.stderr


def test_stopped_in_a_step_it_says_how_to_go_on(tmp_path: Path) -> None:
    ended = stopped("demo", tmp_path, *SMALL, when=(tmp_path / "fingers" / "recipe.json").exists, by=signal.SIGINT)
    assert ended == 130


def test_it_stops_where_a_step_does_and_starts_clean_when_asked(tmp_path: Path) -> None:
    (tmp_path / "fingers").write_text("in the way")
    (tmp_path / "mine").touch()
    failed = tool("demo", tmp_path, *SMALL)
    assert failed.returncode == 2
    assert "`make demo FRESH=1`" in failed.stderr
    assert "Traceback" not in failed.stderr

    code = stopped("demo", tmp_path, *SMALL, "--fresh", when=(tmp_path / "fingers").is_dir, by=signal.SIGINT)
    assert code == 130
    assert (tmp_path / "mine").exists()
