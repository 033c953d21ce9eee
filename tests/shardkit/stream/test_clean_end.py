"""FAULTS 23: however a loop ends, no thread, descriptor, process or buffer is left; `conftest` looks too."""

import gc
import multiprocessing
import os
import signal
import subprocess
import sys
import threading
import weakref
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from shardkit.stream.collate.batch import Batch
from shardkit.stream.dataset import StreamingDataset
from tests.commands import ROOT, environment
from tests.shardkit.stream.left import descriptors
from tests.shardkit.stream.prints import Prints
from tests.shardkit.stream.streams import Rows, numbers, rows, streamed

THREADS = 3


def ours() -> list[str]:
    return [thread.name for thread in threading.enumerate() if thread.name.startswith("shardkit")]


def open_tars() -> list[str]:
    return [target for _, target in descriptors() if target.endswith(".tar")]


def test_threads_and_files_are_there_while_a_loop_goes_on_and_gone_behind_it(prints: Prints) -> None:
    """So that the other tests can fail."""
    stream = streamed(prints, batch_size=4, threads=THREADS)
    batches = iter(stream)
    next(batches)
    assert len(ours()) == THREADS + 1
    assert open_tars()

    list(batches)
    assert ours() == open_tars() == []


def test_a_loop_that_is_broken_off(prints: Prints) -> None:
    stream = streamed(prints, batch_size=4, threads=THREADS)
    for _ in stream:
        break
    assert ours() == open_tars() == []


def test_a_loop_that_raises(prints: Prints) -> None:
    def train() -> None:
        for _ in streamed(prints, batch_size=4, threads=THREADS):
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        train()
    gc.collect()
    assert ours() == open_tars() == []


def test_a_loop_that_is_interrupted_while_it_waits(prints: Prints) -> None:
    """Ctrl-C comes while the main thread waits for a batch that takes long."""
    waiting, go_on = threading.Event(), threading.Event()

    def slow(image: NDArray[Any], _: np.random.Generator) -> NDArray[Any]:
        waiting.set()
        go_on.wait(10)
        return image

    def interrupt() -> None:
        waiting.wait(10)
        os.kill(os.getpid(), signal.SIGINT)
        go_on.set()

    other = threading.Thread(target=interrupt)
    other.start()
    with pytest.raises(KeyboardInterrupt):
        list(streamed(prints, batch_size=4, threads=2, transform=slow))
    other.join()
    gc.collect()
    assert ours() == open_tars() == []


def test_a_stream_that_is_dropped_with_its_iterator(prints: Prints) -> None:
    stream = streamed(prints, batch_size=4, threads=THREADS)
    batches: Iterator[object] | None = iter(stream)
    assert batches is not None
    next(batches)
    gone = weakref.ref(stream)
    del stream, batches
    gc.collect()
    assert gone() is None
    assert ours() == open_tars() == []


def test_an_iterator_that_was_never_asked_starts_nothing(prints: Prints) -> None:
    batches = iter(streamed(prints, batch_size=4, threads=THREADS))
    assert ours() == open_tars() == []
    del batches


def test_many_loops_at_once_and_one_after_another(prints: Prints) -> None:
    stream = streamed(prints, batch_size=4, threads=2)
    expected = rows([streamed(prints, batch_size=4)])
    at_once = [iter(streamed(prints, batch_size=4, threads=2)) for _ in range(3)]
    for row in expected:
        assert [numbers(next(each)) for each in at_once] == [row] * 3
    for each in at_once:
        assert next(each, None) is None
    for _ in range(30):
        for _ in stream:
            break
    assert ours() == open_tars() == []


def test_a_child_that_was_forked_in_mid_epoch_goes_its_own_way(prints: Prints) -> None:
    """It streams for itself and ends; the parent's loop goes on as if nothing had been."""
    stream = streamed(prints, batch_size=4, threads=2)
    expected = rows([streamed(prints, batch_size=4)])
    batches = iter(stream)
    begins = numbers(next(batches))
    child = multiprocessing.get_context("fork").Process(target=_in_a_child, args=(stream, batches, expected))
    child.start()
    child.join(30)
    hangs = child.is_alive()
    child.kill()
    child.join()

    assert not hangs
    assert child.exitcode == 0
    assert [begins, *map(numbers, batches)] == expected
    assert ours() == open_tars() == []


def _in_a_child(stream: StreamingDataset, batches: Iterator[Batch], expected: Rows) -> None:
    assert rows([stream]) == expected
    del batches  # which are the parent's


SCRIPT = """
import sys, threading
from shardkit.stream.dataset import StreamingDataset
stream = StreamingDataset(sys.argv[1], batch_size=4, threads=3)
batches = iter(stream)
next(batches)
{end}
"""


ENDS = {"": 0, "raise ValueError": 1, "threading.Thread(target=lambda: list(batches)).start()": 0}


def test_a_process_ends_in_the_middle_of_an_epoch(prints: Prints) -> None:
    """Nothing holds it up, and nothing is said beyond what ended it."""
    for end, (code, said) in {end: _ended(each) for end, each in _started(prints).items()}.items():
        assert code == ENDS[end], said
        assert said.count("Traceback") == ENDS[end], said


def _started(prints: Prints) -> "dict[str, subprocess.Popen[str]]":
    """All at once, since each takes its time to import."""
    return {
        end: subprocess.Popen(
            [sys.executable, "-W", "error", "-c", SCRIPT.format(end=end), str(prints.folder)],
            env=environment(),
            cwd=ROOT,
            stderr=subprocess.PIPE,
            text=True,
        )
        for end in ENDS
    }


def _ended(running: "subprocess.Popen[str]") -> tuple[int, str]:
    try:
        _, said = running.communicate(timeout=60)
    finally:
        running.kill()
    return running.returncode, said
