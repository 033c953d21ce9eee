"""Other programs, run to their end. One that fails ends the benchmark with what it said: its figure means nothing."""

import os
import shlex
import subprocess
import sys

from places import BENCH

SHOWN = 300  # characters: a command can name thousands of files


def run(command: list[str]) -> None:
    _finish(command, subprocess.DEVNULL)


def said(command: list[str]) -> str:
    return _finish(command, subprocess.PIPE)


def _environment() -> dict[str, str]:
    """Ours, but every Python program keeps its compiled modules, as an installed one does: ours and the peers'."""
    return {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}


def _finish(command: list[str], stdout: int) -> str:
    ended = subprocess.run(
        command, check=False, stdout=stdout, stderr=subprocess.PIPE, text=True, cwd=BENCH, env=_environment()
    )
    if ended.returncode:
        sys.exit(f"{shlex.join(command)[:SHOWN]} ended with {ended.returncode}:\n{ended.stderr}")
    return ended.stdout
