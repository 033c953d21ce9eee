"""Running a data tool as its user does, and looking at the tree that it leaves."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from synthetic.fields import Image

ROOT = Path(__file__).parents[2]

# For code that runs a tool in its own process: to look at the process, or to take something away from the tool.
IN_PROCESS = f"""
import resource, subprocess, sys
from filecmp import cmp
from pathlib import Path
from typing import Any
sys.path[:0] = [{str(ROOT)!r}, {str(ROOT / "tools")!r}]
from shardkit.cli.errors import run_command
from synthetic import space
from tests.tools.tool import tree
"""


def tool(name: str, *args: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(_command(name, args), capture_output=True, text=True, check=False)


def made(name: str, *args: object) -> None:
    ended = tool(name, *args)
    assert ended.returncode == 0, ended.stderr


def stopped(name: str, *args: object, when: Callable[[], bool], by: signal.Signals) -> int:
    """Start a tool, send it a signal as soon as `when` holds, and return its exit code."""
    with subprocess.Popen(_command(name, args), stderr=subprocess.PIPE) as running:
        _wait(running, when)
        running.send_signal(by)
        return running.wait()


def interrupted_group(name: str, *args: object, when: Callable[[], bool], after: float) -> tuple[str, int]:
    """Press Ctrl-C some seconds after `when` holds, as a terminal does: for every process of the command.

    Return what the command said, and its exit code.
    """
    command = _command(name, args)
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, start_new_session=True) as running:
        _wait(running, when)
        time.sleep(after)
        os.killpg(running.pid, signal.SIGINT)
        return running.communicate()[1], running.returncode


def tree(folder: Path) -> dict[str, bytes]:
    """Every file with its content; hidden ones too, since a leftover would be hidden."""
    return {str(file.relative_to(folder)): file.read_bytes() for file in folder.rglob("*") if file.is_file()}


def picture(file: Path) -> Image:
    image = cv2.imread(str(file), cv2.IMREAD_UNCHANGED)
    assert image is not None, f"{file} is no image"
    return np.asarray(image, np.uint8)


def _wait(running: subprocess.Popen[Any], when: Callable[[], bool]) -> None:
    while not when():
        assert running.poll() is None, f"it ended before it could be stopped: {running.communicate()[1]!r}"
        time.sleep(0.001)


def _command(name: str, args: tuple[object, ...]) -> list[str]:
    return [sys.executable, str(ROOT / "tools" / f"{name}.py"), *map(str, args)]
