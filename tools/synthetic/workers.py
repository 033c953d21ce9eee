"""Doing independent tasks on several processes, which stop soon when asked to and never outlive the command."""

import ctypes
import itertools
import multiprocessing
import os
import signal
import sys
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from multiprocessing.synchronize import Event
from typing import Generic, TypeVar

from shardkit.errors import ShardkitError

Task = TypeVar("Task")
Result = TypeVar("Result")

# Enough that no worker waits for the next task, few enough that a million tasks are never in memory at once.
TASKS_AHEAD = 4

_PR_SET_PDEATHSIG = 1

_stop: Event | None = None


def each(work: Callable[[Task], Iterable[Result]], tasks: Iterable[Task], workers: int) -> Iterator[Result]:
    """Yield all that `work(task)` yields for every task, in the order in which tasks end.

    `work` yields a result for each of its pieces, since it is between pieces that it can be stopped.
    """
    if workers == 1:
        for task in tasks:
            yield from work(task)
        return
    # spawn: a forked child would inherit the threads' locks of the libraries, but not the threads.
    context = multiprocessing.get_context("spawn")
    stop = context.Event()
    pool = ProcessPoolExecutor(workers, mp_context=context, initializer=_begin, initargs=(os.getpid(), stop))
    try:
        yield from _results(_Submitter(pool, work), iter(tasks), workers * TASKS_AHEAD)
    except BrokenProcessPool as error:
        raise ShardkitError(
            "a worker process died (killed, or out of memory). Run the same command to go on, with fewer --workers."
        ) from error
    finally:
        stop.set()
        pool.shutdown(cancel_futures=True)


class _Submitter(Generic[Task, Result]):
    def __init__(self, pool: ProcessPoolExecutor, work: Callable[[Task], Iterable[Result]]) -> None:
        self._pool, self._work = pool, work

    def __call__(self, tasks: Iterable[Task]) -> set[Future[list[Result]]]:
        # A submission may start a worker, which inherits what is blocked: so the terminal's Ctrl-C never reaches it,
        # not even while it is still importing.
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
        try:
            return {self._pool.submit(_do, self._work, task) for task in tasks}
        finally:
            signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})


def _results(submit: _Submitter[Task, Result], tasks: Iterator[Task], ahead: int) -> Iterator[Result]:
    pending = submit(itertools.islice(tasks, ahead))
    while pending:
        done, pending = wait(pending, return_when=FIRST_COMPLETED)
        pending |= submit(itertools.islice(tasks, len(done)))
        for future in done:
            yield from future.result()


def _do(work: Callable[[Task], Iterable[Result]], task: Task) -> list[Result]:
    assert _stop is not None, "a worker begins with `_begin`"
    if _stop.is_set():
        return []
    return list(itertools.takewhile(lambda _: not _stop.is_set(), work(task)))


def _begin(parent: int, stop: Event) -> None:
    """Die with the parent, however it dies."""
    global _stop  # noqa: PLW0603 - a process has one, handed over as it starts
    _stop = stop
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:  # it died before we asked to be told
        os._exit(1)
