"""What the kernel tells, read from texts of it and from the machine that runs the tests."""

import pytest
import torch

from trainer.metrics.machine import SystemCounters, SystemMonitor, read_counters

STAT = "cpu  100 0 50 800 40 0 10 0 7 0\ncpu0 1 1 1 1 1 1 1 1 1 1\n"
IO = "rchar: 5\nread_bytes: 4096\nwrite_bytes: 8\ncancelled_write_bytes: 9\n"


def test_counters_of_a_kernel() -> None:
    found = read_counters({"/proc/self/io": IO, "/proc/stat": STAT}.__getitem__)
    assert (found.read, found.waited, found.passed) == (4096, 40, 1000)


def test_what_a_kernel_does_not_tell_is_unknown() -> None:
    found = read_counters(lambda _: "")
    assert (found.read, found.waited, found.passed) == (None, None, None)
    assert found.io_wait(found) is None
    assert found.disk(found) is None


def test_shares_and_rates_are_of_the_time_between() -> None:
    before, now = SystemCounters(10.0, 1_000_000, 40, 1000), SystemCounters(12.0, 9_000_000, 65, 1100)
    assert now.io_wait(before) == 0.25
    assert now.disk(before) == pytest.approx(4.0)


def test_this_machine_tells_something() -> None:
    usage = SystemMonitor().usage()
    assert usage.memory_mb is not None
    assert usage.memory_mb > 10
    assert usage.io_wait is None or 0 <= usage.io_wait <= 1


def test_on_a_gpu_it_is_asked_for_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_initialized", lambda: True)
    monkeypatch.setattr(torch.cuda, "max_memory_allocated", lambda: 2_500_000_000)
    monkeypatch.setattr(torch.cuda, "utilization", lambda: 97)
    usage = SystemMonitor().usage()
    assert (usage.memory_mb, usage.gpu_utilisation) == (2500.0, 0.97)


def test_without_nvml_it_is_asked_once(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    def missing() -> int:
        asked.append(1)
        raise ModuleNotFoundError

    monkeypatch.setattr(torch.cuda, "is_initialized", lambda: True)
    monkeypatch.setattr(torch.cuda, "max_memory_allocated", lambda: 0)
    monkeypatch.setattr(torch.cuda, "utilization", missing)
    machine = SystemMonitor()
    assert [machine.usage().gpu_utilisation, machine.usage().gpu_utilisation] == [None, None]
    assert len(asked) == 1
