"""Every task is done once, a few at a time, and no worker outlives its parent."""

import itertools
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from shardkit.errors import NoSpace, ShardkitError
from synthetic.workers import TASKS_AHEAD, each
from tests.tools import chores

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("workers", [1, 3])
@pytest.mark.parametrize("count", [0, 1, 50])
def test_every_task_is_done_once(workers: int, count: int) -> None:
    assert sorted(each(chores.square, range(count), workers)) == [number * number for number in range(count)]


@pytest.mark.parametrize(("workers", "most_ahead"), [(1, 0), (2, 2 * 2 * TASKS_AHEAD)])
def test_endless_tasks_are_taken_a_few_ahead(workers: int, most_ahead: int) -> None:
    tasks = itertools.count()
    results = each(chores.square, tasks, workers)
    taken = list(itertools.islice(results, 30))
    asked = next(tasks)

    assert len(set(taken)) == 30
    assert 30 <= asked <= 30 + most_ahead


@pytest.mark.parametrize("workers", [1, 2])
def test_an_error_of_a_worker_arrives_as_it_is(workers: int) -> None:
    with pytest.raises(NoSpace, match="no space for 7"):
        list(each(chores.refuse_seven, range(1_000), workers))


def test_a_killed_worker_is_a_clear_error() -> None:
    with pytest.raises(ShardkitError, match=r"a worker process died .* Run the same command to go on"):
        list(each(chores.die_at_seven, range(1_000), 2))


@pytest.mark.parametrize("workers", [1, 2])
def test_a_task_has_a_result_for_each_of_its_pieces(workers: int) -> None:
    assert sorted(each(chores.count_up, [3, 0, 2], workers)) == [0, 0, 1, 1, 2]


def test_workers_leave_ctrl_c_to_their_parent() -> None:
    assert not any(each(chores.hears_ctrl_c, range(4), 2))
    assert signal.SIGINT not in signal.pthread_sigmask(signal.SIG_BLOCK, ())


PARENT = """
import sys
from pathlib import Path
from synthetic.workers import each
from tests.tools.chores import sign_in_and_stay
list(each(sign_in_and_stay, [Path(sys.argv[1])] * 2, 2))
"""


@pytest.mark.parametrize("by", [signal.SIGKILL, signal.SIGINT])
def test_workers_end_with_their_parent_in_the_middle_of_a_task(by: signal.Signals, tmp_path: Path) -> None:
    def signed_in() -> list[int]:
        return [int(entry.name) for entry in tmp_path.iterdir()]

    with subprocess.Popen([sys.executable, "-c", PARENT, tmp_path], cwd=ROOT, stderr=subprocess.DEVNULL) as parent:
        wait_until(lambda: len(signed_in()) == 2)
        parent.send_signal(by)

    wait_until(lambda: not any(runs(pid) for pid in signed_in()))


def runs(pid: int) -> bool:
    """Whether a process is there, and not a dead one that nobody has asked about."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return False
    return stat.rpartition(")")[2].split()[0] not in {"Z", "X"}


def wait_until(condition: Callable[[], bool]) -> None:
    for _ in seconds_up_to(60):
        if condition():
            return
    pytest.fail("waited in vain")


def seconds_up_to(most: float) -> Iterator[float]:
    end = time.monotonic() + most
    while (now := time.monotonic()) < end:
        yield now
        time.sleep(0.01)
