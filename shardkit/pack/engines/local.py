"""The threads of this process.

Reading, hashing, decoding, compressing and writing all release the interpreter's lock, so threads keep every core busy;
and they need no second start-up, no copies between processes, and die with the command.
"""

import threading
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import ThreadPoolExecutor, as_completed
from typing import TypeVar

Task = TypeVar("Task")
Result = TypeVar("Result")


class StoppedError(Exception):
    """Raised inside a task whose command ends early."""


class Stop:
    """What a task asks between two samples: whether there is still somebody who waits for it."""

    def __init__(self) -> None:
        self._asked = threading.Event()

    def ask(self) -> None:
        self._asked.set()

    def check(self) -> None:
        if self._asked.is_set():
            raise StoppedError


def each(work: Callable[[Task, Stop], Result], tasks: Iterable[Task], workers: int) -> Generator[Result]:
    """Yield what comes of each task, in the order in which tasks end."""
    stop = Stop()
    pool = ThreadPoolExecutor(workers, thread_name_prefix="shardkit")
    try:
        for done in as_completed([pool.submit(work, task, stop) for task in tasks]):
            yield done.result()
    finally:
        stop.ask()
        pool.shutdown(cancel_futures=True)
