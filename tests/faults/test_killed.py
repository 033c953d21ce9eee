"""A command is killed at every file operation, another one runs, then the first again: no committed sample is lost."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.commands import ROOT
from tests.faults.killed import STATES


def kills(tmp_path: Path, command: str, stride: int, others: int) -> int:
    run = [sys.executable, "-m", "tests.faults.killed", str(tmp_path), command, str(stride), str(others)]
    ended = subprocess.run(run, cwd=ROOT, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr
    return int(ended.stdout)


@pytest.mark.parametrize("command", STATES)
def test_killed_then_another_command_then_the_same(command: str, tmp_path: Path) -> None:
    """Each operation is followed by another of the other commands, in turns."""
    assert kills(tmp_path, command, 7, 1) >= 2


@pytest.mark.campaign
@pytest.mark.parametrize("command", STATES)
def test_killed_at_every_operation_then_other_commands(command: str, tmp_path: Path) -> None:
    """Each operation is followed by four other commands, so that every command follows kills all along."""
    assert kills(tmp_path, command, 1, 4) >= 9
