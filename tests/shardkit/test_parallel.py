import threading
from collections.abc import Iterator

import pytest

from shardkit.parallel import map_ordered


def test_results_keep_the_order_of_their_tasks() -> None:
    first = threading.Event()

    def work(task: int) -> int:
        if task == 0:
            assert first.wait(10), "a later task has run meanwhile"
        first.set()
        return task * task

    assert list(map_ordered(work, range(-1, 20), 2)) == [task * task for task in range(-1, 20)]


def test_tasks_wait_until_they_are_needed() -> None:
    taken: list[int] = []

    def tasks() -> Iterator[int]:
        for task in range(100):
            taken.append(task)
            yield task

    results = map_ordered(abs, tasks(), 2)
    assert next(results) == 0
    assert len(taken) <= 4
    results.close()  # type: ignore[attr-defined]  # a generator has it


def test_what_a_task_raises_reaches_the_caller() -> None:
    with pytest.raises(ZeroDivisionError):
        list(map_ordered(lambda task: 1 // task, [1, 0, 1], 2))
