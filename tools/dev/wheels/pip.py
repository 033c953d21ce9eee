"""pip at work, and how far it is."""

import os
import subprocess
import sys
import time
from pathlib import Path

_OFTEN, _SELDOM = 0.5, 20.0  # seconds between two words about a download: on a terminal, and in a log


def pip(command: list[str], what: str, part: Path) -> tuple[bool, str]:
    """Whether it did it, and what it said on stderr. What is not finished lies in `part` too, and is counted there."""
    talk = part / "talk"
    with talk.open("w") as said:
        quiet = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check", "--no-input"]
        environment = {**os.environ, "TMPDIR": str(part), "PIP_CONSTRAINT": os.devnull}  # the lock alone has a say
        running = subprocess.Popen([*quiet, *command], stdout=subprocess.DEVNULL, stderr=said, env=environment)
        try:
            _wait(running, what, part)
        finally:
            running.kill()
            running.wait()
    return running.returncode == 0, talk.read_text(errors="replace")


def _wait(running: "subprocess.Popen[bytes]", what: str, part: Path) -> None:
    terminal = sys.stdout.isatty()
    spoken = time.monotonic()
    while _runs(running):
        if time.monotonic() - spoken >= (_OFTEN if terminal else _SELDOM):
            spoken = time.monotonic()
            _say(f"  {what} {_bytes_in(part) / 1e6:,.0f} MB …", terminal=terminal)
    if terminal:
        print("\r\033[K", end="", flush=True)


def _runs(running: "subprocess.Popen[bytes]") -> bool:
    try:
        running.wait(_OFTEN)
    except subprocess.TimeoutExpired:
        return True
    return False


def _say(text: str, *, terminal: bool) -> None:
    """On a terminal over what was said before."""
    print(f"\r{text}" if terminal else text, end="" if terminal else "\n", flush=True)


def _bytes_in(folder: Path) -> int:
    """Files may go while they are counted."""
    return sum(_size(Path(where, name)) for where, _, names in os.walk(folder) for name in names)


def _size(file: Path) -> int:
    try:
        return file.stat().st_size
    except FileNotFoundError:
        return 0
