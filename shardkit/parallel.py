"""Thread pools that map a function over tasks and yield results as they finish, or in the order of the tasks.

Reading, hashing, decoding, compressing and writing all release the interpreter lock, so threads keep every core busy.
Unlike processes they need no second start-up and no copies, and they end with the command. The stream does not use
this module: its batches are made by `stream/prefetch.py`.
"""

import threading
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait
from itertools import islice
from typing import TypeVar

Task = TypeVar("Task")

Result = TypeVar("Result")

_AHEAD = 2
"""Tasks per worker that are submitted: one is under way, and the next one waits."""


class CancelledError(Exception):
    """Raised inside a task whose command ends early."""


class CancelToken:
    """What a task asks between two samples: whether there is still somebody who waits for it."""

    def __init__(self) -> None:
        self._asked = threading.Event()

    def cancel(self) -> None:
        self._asked.set()

    def raise_if_cancelled(self) -> None:
        if self._asked.is_set():
            raise CancelledError


def map_unordered(
    work: Callable[[Task, CancelToken], Result], tasks: Iterable[Task], workers: int
) -> Generator[Result]:
    """Yield what comes of each task, in the order in which tasks end; a task is only asked for when it is due."""
    stop = CancelToken()
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
        stop.cancel()
        pool.shutdown(cancel_futures=True)


def map_ordered(work: Callable[[Task], Result], tasks: Iterable[Task], threads: int) -> Iterator[Result]:
    """At most `threads + 1` results wait, so memory does not grow with the number of tasks."""
    left = iter(tasks)
    with ThreadPoolExecutor(threads, thread_name_prefix="shardkit") as pool:
        pending = deque(pool.submit(work, task) for task in islice(left, threads + 1))
        while pending:
            result = pending.popleft().result()
            pending.extend(pool.submit(work, task) for task in islice(left, 1))
            yield result


Progress = Callable[[int, int], None]
"""Told how many images, and how many bytes of sources, were dealt with just now; it may raise to stop the work."""
