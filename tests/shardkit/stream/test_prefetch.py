import multiprocessing
import threading
import warnings
from collections.abc import Iterator
from contextlib import closing

import pytest

from shardkit.stream.prefetch import Job, OrderedThreadPool


def jobs(count: int, *, parts: int = 3, bad: int | None = None, started: list[int] | None = None) -> Iterator[Job[int]]:
    for number in range(count):
        if started is not None:
            started.append(number)
        yield Job([_part(number == bad)] * parts, lambda number=number: number)  # type: ignore[misc]  # bound at once


def _part(bad: bool):  # type: ignore[no-untyped-def]  # noqa: ANN202, FBT001
    def work() -> None:
        if bad:
            raise ValueError("a bad part")

    return work


@pytest.mark.parametrize("threads", [1, 2, 5])
@pytest.mark.parametrize("ahead", [1, 4])
def test_results_come_in_the_order_of_the_jobs(threads: int, ahead: int) -> None:
    with closing(OrderedThreadPool(jobs(200), threads=threads, ahead=ahead)) as crew:
        assert list(crew) == list(range(200))


def test_no_job_is_no_result() -> None:
    with closing(OrderedThreadPool(jobs(0), threads=2, ahead=2)) as crew:
        assert list(crew) == []


def test_no_more_jobs_are_under_way_than_may_be() -> None:
    started: list[int] = []
    with closing(OrderedThreadPool(jobs(100, started=started), threads=3, ahead=4)) as crew:
        for number in crew:
            assert len(started) <= number + 1 + 4 + 1  # one may be planned as one is taken


@pytest.mark.parametrize("threads", [1, 3])
def test_an_error_comes_in_the_place_of_its_job(threads: int) -> None:
    taken: list[int] = []
    with (
        closing(OrderedThreadPool(jobs(20, bad=7), threads=threads, ahead=4)) as crew,
        pytest.raises(ValueError, match="a bad part"),
    ):
        taken.extend(crew)
    assert len(taken) <= 7


def test_an_error_of_planning_comes_behind_what_was_planned() -> None:
    def failing() -> Iterator[Job[int]]:
        yield from jobs(3)
        raise RuntimeError("no more")

    taken: list[int] = []
    with (
        closing(OrderedThreadPool(failing(), threads=2, ahead=8)) as crew,
        pytest.raises(RuntimeError, match="no more"),
    ):
        taken.extend(crew)
    assert taken == [0, 1, 2]


def test_closing_ends_every_thread_while_jobs_are_under_way() -> None:
    before = set(threading.enumerate())
    crew = OrderedThreadPool(jobs(1000), threads=3, ahead=4)
    next(iter(crew))

    crew.close()

    assert set(threading.enumerate()) == before
    assert list(crew) == []


def test_what_was_taken_is_held_by_nobody_here() -> None:
    class Made:
        gone: list[int] = []  # noqa: RUF012 - of this test alone

        def __init__(self, number: int) -> None:
            self.number = number

        def __del__(self) -> None:
            self.gone.append(self.number)

    def made() -> Iterator[Job[Made]]:
        for number in range(4):
            yield Job([], lambda number=number: Made(number))  # type: ignore[misc]  # bound at once

    with closing(OrderedThreadPool(made(), threads=1, ahead=1)) as crew:
        results = iter(crew)
        first = next(results)
        del first
        assert Made.gone == [0]


def test_a_child_that_was_forked_in_the_middle_lets_go_without_waiting(capfd: pytest.CaptureFixture[str]) -> None:
    with closing(OrderedThreadPool(jobs(1000), threads=2, ahead=4)) as crew:
        next(iter(crew))
        with crew._lock:  # noqa: SLF001 - as a thread of the parent may hold it when it forks
            child = multiprocessing.get_context("fork").Process(target=crew.close)
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", DeprecationWarning)  # that is what is tested
                child.start()
        child.join(20)
        assert child.exitcode == 0
    assert capfd.readouterr().err == ""
