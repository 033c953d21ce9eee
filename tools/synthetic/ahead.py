"""Doing tasks on threads, a few ahead of the caller, and handing the results over in order."""

import itertools
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor

from synthetic.workers import Result, Task


def in_order(work: Callable[[Task], Result], tasks: Iterable[Task], threads: int) -> Iterator[Result]:
    """For work that lets go of the GIL; at most `threads + 1` results wait, so memory stays what it is."""
    left = iter(tasks)
    with ThreadPoolExecutor(threads) as pool:
        pending = deque(pool.submit(work, task) for task in itertools.islice(left, threads + 1))
        while pending:
            result = pending.popleft().result()
            pending.extend(pool.submit(work, task) for task in itertools.islice(left, 1))
            yield result
