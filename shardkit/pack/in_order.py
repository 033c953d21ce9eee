"""Doing tasks on threads, a few ahead of the caller, and handing the results over in order."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from typing import TypeVar

Task = TypeVar("Task")
Result = TypeVar("Result")


def in_order(work: Callable[[Task], Result], tasks: Iterable[Task], threads: int) -> Iterator[Result]:
    """At most `threads + 1` results wait, so memory does not grow with the number of tasks."""
    left = iter(tasks)
    with ThreadPoolExecutor(threads, thread_name_prefix="shardkit") as pool:
        pending = deque(pool.submit(work, task) for task in islice(left, threads + 1))
        while pending:
            result = pending.popleft().result()
            pending.extend(pool.submit(work, task) for task in islice(left, 1))
            yield result
