import pytest

from shardkit.stream.dataset import SharedCursor
from shardkit.stream.world import MAX_WORKERS, LoaderWorker


def worker(number: int, workers: int) -> LoaderWorker:
    return LoaderWorker(number, workers, apart=True)


ALONE = LoaderWorker()


def test_it_starts_at_the_start() -> None:
    assert SharedCursor(3).iteration_start(ALONE) == (0, 0)
    assert SharedCursor(3).generation == 3


def test_a_row_holds_for_its_epoch_alone() -> None:
    position = SharedCursor(0)
    position.seek(4, 17, 2)
    assert position.iteration_start(ALONE) == position.iteration_start(worker(1, 2)) == (4, 17)

    position.finish_epoch(ALONE, 4)

    assert position.iteration_start(ALONE) == (5, 0)
    assert position.generation == 2


@pytest.mark.parametrize("workers", [1, 2, 5])
def test_no_worker_takes_up_an_epoch_before_all_have_ended_the_last(workers: int) -> None:
    position = SharedCursor(0)
    for number in range(workers):
        assert position.iteration_start(worker(number, workers)) == (0, 0)  # even if others are through already
        position.finish_epoch(worker(number, workers), 0)
    assert position.iteration_start(worker(0, workers)) == (1, 0)


def test_a_loop_broken_off_starts_its_epoch_again() -> None:
    position = SharedCursor(0)
    position.finish_epoch(worker(0, 2), 0)  # the other worker never came to the end

    assert position.iteration_start(worker(0, 2)) == position.iteration_start(worker(1, 2)) == (0, 0)


def test_other_numbers_of_workers_go_on_with_the_same_epoch() -> None:
    position = SharedCursor(0)
    for number in range(2):
        position.finish_epoch(worker(number, 2), 0)

    assert position.iteration_start(worker(2, 3)) == position.iteration_start(ALONE) == (1, 0)


def test_it_is_known_that_workers_feed_until_somebody_says_where_to_go_on() -> None:
    position = SharedCursor(0)
    position.iteration_start(ALONE)
    told = [position.fed_by_workers]
    position.iteration_start(worker(0, 1))
    told.append(position.fed_by_workers)

    position.seek(1, 0, 0)

    assert [*told, position.fed_by_workers] == [False, True, False]


def test_there_is_a_place_for_every_worker() -> None:
    position = SharedCursor(0)
    position.finish_epoch(worker(MAX_WORKERS - 1, MAX_WORKERS), 0)
    assert position.iteration_start(worker(0, MAX_WORKERS)) == (0, 0)
