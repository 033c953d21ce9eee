"""Running a shardkit command: in this process, which is fast, or in its own, which can be killed."""

import io
import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from shardkit.cli.errors import run_command
from shardkit.cli.main import shardkit

ROOT = Path(__file__).parents[1]
COMMAND = (sys.executable, "-c", "from shardkit.cli.main import main; main()")


@dataclass(frozen=True)
class Ended:
    code: int
    stdout: str
    stderr: str

    @property
    def json(self) -> Any:  # noqa: ANN401 - what a command prints
        return json.loads(self.stdout)

    @property
    def error(self) -> str:
        """The one sentence that a failed command ends with; nothing of a traceback, or of click's advice."""
        assert "Traceback" not in self.stderr, self.stderr
        *_, last = self.stderr.splitlines()
        assert last.startswith("Error: "), self.stderr
        return last


def ran(*args: object) -> Ended:
    with _signals_kept(), redirect_stdout(_Captured()) as stdout, redirect_stderr(_Captured()) as stderr:
        code = run_command(shardkit, [*map(str, args)])
        _wait_for_threads()
    return Ended(code, stdout.text, stderr.text)


class _Captured(io.TextIOWrapper):
    """What is printed, as text or as bytes."""

    def __init__(self) -> None:
        self._content = io.BytesIO()
        super().__init__(self._content, encoding="utf-8", write_through=True)

    @property
    def text(self) -> str:
        return self._content.getvalue().decode()


def packed(source: Path, folder: Path, *options: object) -> Path:
    """Pack without a fault, a subject or two a shard."""
    ended = ran("pack", source, folder, *options)
    assert ended.code == 0, ended.stderr
    return folder


def process(*args: object, **given: Any) -> subprocess.Popen[str]:  # noqa: ANN401 - what Popen takes
    """Start a command in a process of its own."""
    given = {"env": environment(), "cwd": ROOT, **given}
    command = [*COMMAND, *map(str, args)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **given)


def ended(running: subprocess.Popen[str]) -> Ended:
    stdout, stderr = running.communicate()
    return Ended(running.returncode, stdout, stderr)


def environment(**changes: str) -> Mapping[str, str]:
    return {**os.environ, "PYTHONPATH": str(ROOT), **changes}


def _wait_for_threads() -> None:
    """As a process does at its end: a signal may have come before a pool knew of the thread that it had started."""
    for thread in threading.enumerate():
        if thread.name.startswith("shardkit"):
            thread.join()


@contextmanager
def _signals_kept() -> Iterator[None]:
    before = {each: signal.getsignal(each) for each in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)
