"""Doing independent tasks on several processes that never outlive the command."""

import ctypes
import itertools
import multiprocessing
import os
import signal
import sys
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from typing import TypeVar

from shardkit.errors import ShardkitError

Task = TypeVar("Task")
Result = TypeVar("Result")

# Enough that no worker waits for the next task, few enough that a million tasks need no memory.
TASKS_AHEAD = 4

_PR_SET_PDEATHSIG = 1


def each(work: Callable[[Task], Result], tasks: Iterable[Task], workers: int) -> Iterator[Result]:
    """Yield `work(task)` for every task, in the order in which they end."""
    if workers == 1:
        yield from map(work, tasks)
        return
    # spawn: a forked child would inherit the threads' locks of the libraries, but not the threads.
    context = multiprocessing.get_context("spawn")
    pool = ProcessPoolExecutor(workers, mp_context=context, initializer=_begin, initargs=(os.getpid(),))
    try:
        yield from _results(pool, work, iter(tasks), workers * TASKS_AHEAD)
    except BrokenProcessPool as error:
        raise ShardkitError(
            "a worker process died (killed, or out of memory). Run the same command to go on, with fewer --workers."
        ) from error
    finally:
        pool.shutdown(cancel_futures=True)


def _results(
    pool: ProcessPoolExecutor, work: Callable[[Task], Result], tasks: Iterator[Task], ahead: int
) -> Iterator[Result]:
    pending: set[Future[Result]] = {pool.submit(work, task) for task in itertools.islice(tasks, ahead)}
    while pending:
        done, pending = wait(pending, return_when=FIRST_COMPLETED)
        pending |= {pool.submit(work, task) for task in itertools.islice(tasks, len(done))}
        for future in done:
            yield future.result()


def _begin(parent: int) -> None:
    """Leave the terminal's Ctrl-C to the parent, and die with it, however it dies."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:  # it died before we asked to be told
        os._exit(1)
