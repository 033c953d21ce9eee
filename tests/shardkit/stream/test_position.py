import pytest

from shardkit.stream.dataset import Position
from shardkit.stream.world import MOST_WORKERS, Worker


def worker(number: int, workers: int) -> Worker:
    return Worker(number, workers, apart=True)


ALONE = Worker()


def test_it_starts_at_the_start() -> None:
    assert Position(3).start(ALONE) == (0, 0)
    assert Position(3).generation == 3


def test_a_row_holds_for_its_epoch_alone() -> None:
    position = Position(0)
    position.go_to(4, 17, 2)
    assert position.start(ALONE) == position.start(worker(1, 2)) == (4, 17)

    position.ended(ALONE, 4)

    assert position.start(ALONE) == (5, 0)
    assert position.generation == 2


@pytest.mark.parametrize("workers", [1, 2, 5])
def test_no_worker_takes_up_an_epoch_before_all_have_ended_the_last(workers: int) -> None:
    position = Position(0)
    for number in range(workers):
        assert position.start(worker(number, workers)) == (0, 0)  # even if others are through already
        position.ended(worker(number, workers), 0)
    assert position.start(worker(0, workers)) == (1, 0)


def test_a_loop_broken_off_starts_its_epoch_again() -> None:
    position = Position(0)
    position.ended(worker(0, 2), 0)  # the other worker never came to the end

    assert position.start(worker(0, 2)) == position.start(worker(1, 2)) == (0, 0)


def test_other_numbers_of_workers_go_on_with_the_same_epoch() -> None:
    position = Position(0)
    for number in range(2):
        position.ended(worker(number, 2), 0)

    assert position.start(worker(2, 3)) == position.start(ALONE) == (1, 0)


def test_it_is_known_that_workers_feed_until_somebody_says_where_to_go_on() -> None:
    position = Position(0)
    position.start(ALONE)
    told = [position.fed_by_workers]
    position.start(worker(0, 1))
    told.append(position.fed_by_workers)

    position.go_to(1, 0, 0)

    assert [*told, position.fed_by_workers] == [False, True, False]


def test_there_is_a_place_for_every_worker() -> None:
    position = Position(0)
    position.ended(worker(MOST_WORKERS - 1, MOST_WORKERS), 0)
    assert position.start(worker(0, MOST_WORKERS)) == (0, 0)
