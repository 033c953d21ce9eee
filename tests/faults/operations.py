"""File operations that can be watched, and made to fail, one by one.

SQLite's method: fail the N-th operation for N = 1, 2, 3 … until a run succeeds untouched.
"""

import io
import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from typing import Any
from unittest import mock

from shardkit.storage import atomic

NAMES = ("open", "mkdir", "fsync", "replace", "rename", "unlink")

Watcher = Callable[[str], None]


@contextmanager
def watched(before: Watcher, longest_write: int | None = None, *, folders: bool = True) -> Iterator[None]:
    """Call `before` with the name of each operation in this block; what it raises is the operation's outcome.

    A kernel may write less than it is asked to: it never writes more than `longest_write` bytes at once here.
    Without `folders`, the opening of folders is passed over: a kill at it is a kill at the next operation.
    """
    with ExitStack() as stack:
        for name in NAMES:
            told = partial(_told, before, name, getattr(os, name))
            stack.enter_context(mock.patch.object(os, name, told if folders else partial(_told_of_files, told)))
        renamed = partial(_told, before, "rename", atomic.rename_new)
        stack.enter_context(mock.patch.object(atomic, "rename_new", renamed))
        stack.enter_context(mock.patch.object(os, "fdopen", partial(_opened, before, longest_write)))
        yield


def _told(before: Watcher, name: str, operation: Callable[..., Any], *args: Any, **options: Any) -> Any:  # noqa: ANN401 - stands for any of NAMES
    before(name)
    return operation(*args, **options)


def _told_of_files(told: Any, *args: Any, **options: Any) -> Any:  # noqa: ANN401
    _, name, operation = told.args
    opens_folder = name == "open" and len(args) > 1 and args[1] & os.O_DIRECTORY
    return (operation if opens_folder else told)(*args, **options)


def _opened(before: Watcher, longest_write: int | None, descriptor: int, _mode: str, *, buffering: int) -> io.FileIO:
    assert not buffering, "a buffer would hide how much is written at once"
    return _Watched(before, longest_write, descriptor)


class _Watched(io.FileIO):
    def __init__(self, before: Watcher, longest: int | None, descriptor: int) -> None:
        super().__init__(descriptor, "wb")
        self._before, self._longest = before, longest

    def write(self, content: Any) -> int:  # noqa: ANN401 - any buffer
        self._before("write")
        return super().write(content[: self._longest])


class Nth:
    """Act at the N-th operation, and with `on=True` at every later one; remember the names of all."""

    def __init__(self, number: int, act: Callable[[], None], *, on: bool = False) -> None:
        self._number, self._act, self._on = number, act, on
        self.names: list[str] = []

    def __call__(self, name: str) -> None:
        self.names.append(name)
        count = len(self.names)
        if count == self._number or (self._on and count > self._number):
            self._act()

    @property
    def untouched(self) -> bool:
        return len(self.names) < self._number


def failing(code: int) -> Callable[[], None]:
    """An act that fails as the system would, with an errno."""

    def fail() -> None:
        raise OSError(code, os.strerror(code))

    return fail
