"""The threads of this process.

Reading, hashing, decoding, compressing and writing all release the interpreter's lock, so threads keep every core busy;
and they need no second start-up, no copies between processes, and die with the command.
"""

import threading
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait
from itertools import islice
from typing import TypeVar

Task = TypeVar("Task")
Result = TypeVar("Result")

_AHEAD = 2
"""Tasks per worker that are submitted: one is under way, and the next one waits."""


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
    """Yield what comes of each task, in the order in which tasks end; a task is only asked for when it is due."""
    stop = Stop()
    waiting = iter(tasks)
    pool = ThreadPoolExecutor(workers, thread_name_prefix="shardkit")
    try:
        running = {pool.submit(work, task, stop) for task in islice(waiting, _AHEAD * workers)}
        while running:
            done, running = wait(running, return_when=FIRST_COMPLETED)
            running |= {pool.submit(work, task, stop) for task in islice(waiting, len(done))}
            while done:
                yield done.pop().result()
    finally:
        stop.ask()
        pool.shutdown(cancel_futures=True)
