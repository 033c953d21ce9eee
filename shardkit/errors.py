"""Exceptions that shardkit raises on purpose, each with the exit code that it ends a command with.

    ShardkitError            1  internal error
    ├── UsageError           2  invalid command or input
    ├── Damaged              4  bytes are not what was written
    ├── Mismatch             5  what is there was made by something else
    │   └── Locked           5  another process is using it
    ├── NoSpace              6  the disk is full, or would be
    ├── StorageFailing       7  the disk answers with errors
    └── BadInput             8  an input that cannot be packed, when none may be skipped
    Interrupted              130 or 143: stopped by a signal, resumable

A message says what happened, to which file, and what to do next: it is all that the user sees. The helpers here end
a message with a command to copy, quoted for a shell, or with the name that was probably intended.
"""

import shlex
import signal
from collections.abc import Iterable
from difflib import get_close_matches
from pathlib import Path


def suggest_word(word: str, words: Iterable[str]) -> str:
    from difflib import get_close_matches  # noqa: PLC0415 - only a mistake needs it

    near = get_close_matches(word, list(words), 1)
    return f" Did you mean {near[0]}?" if near else ""


class ShardkitError(Exception):
    """The root of what can go wrong; `exit_code` is part of the command-line contract."""

    exit_code = 1


class UsageError(ShardkitError):
    exit_code = 2


class Damaged(ShardkitError):
    exit_code = 4


class Mismatch(ShardkitError):
    exit_code = 5


class Locked(Mismatch):
    pass


class NoSpace(ShardkitError):
    exit_code = 6


class StorageFailing(ShardkitError):
    exit_code = 7


class BadInput(ShardkitError):
    """One input that cannot be packed: skipped, counted and listed by its reason, unless `--on-error fail` is asked."""

    exit_code = 8

    def __init__(self, reason: str, detail: str = "") -> None:
        super().__init__(reason, detail)  # both, so that it travels between processes
        self.reason = reason
        self.detail = detail

    def __str__(self) -> str:
        return self.detail or self.reason


class Interrupted(BaseException):
    """Not an Exception, as KeyboardInterrupt is not one: code that mends errors must not swallow a signal."""

    def __init__(self, signum: int) -> None:
        super().__init__(f"interrupted by {signal.Signals(signum).name}")
        self.exit_code = 128 + signum


def command_hint(command: str, folder: Path) -> str:
    return f"`shardkit {command} {shlex.quote(str(folder))}`"


def did_you_mean(name: str, names: Iterable[str]) -> str:
    """A question to end an error with, or nothing if no name comes near."""
    near = [repr(each) for each in get_close_matches(name, list(names), n=3)]
    return f" Did you mean {' or '.join(near)}?" if near else ""
