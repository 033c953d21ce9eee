"""System statistics from the kernel and the GPU driver: memory, GPU, disk throughput, and I/O wait.

A value that is not available on this machine is None and is not queried again.
"""

import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch

_MB = 1e6
_READ = "read_bytes:"
_IO_WAIT = 4
_COUNTED_TWICE = 8
"""Of the first line of /proc/stat: from here on, the time of guests, which is in that of users already."""


@dataclass(frozen=True)
class SystemStats:
    memory_mb: float | None
    """The most that the GPU held at once; without one, what this process holds in memory."""
    gpu_utilisation: float | None
    """The share of the last moments in which the GPU computed anything."""
    io_wait: float | None
    """The share of the cores' time in which they were idle because a disk was not ready."""
    disk_mb_per_second: float | None
    """What this process made the kernel bring from a disk."""


@dataclass(frozen=True)
class SystemCounters:
    """They only ever grow: what counts is by how much."""

    clock: float
    read: int | None
    waited: int | None
    passed: int | None

    def io_wait(self, before: "SystemCounters") -> float | None:
        passed = _growth(self.passed, before.passed)
        waited = _growth(self.waited, before.waited)
        return min(1.0, max(0.0, waited / passed)) if passed and waited is not None else None

    def disk(self, before: "SystemCounters") -> float | None:
        read, seconds = _growth(self.read, before.read), self.clock - before.clock
        return read / seconds / _MB if read is not None and seconds > 0 else None


class SystemMonitor:
    def __init__(self) -> None:
        self._before = read_counters()
        self._nvml = True

    def usage(self) -> SystemStats:
        """Since the last call."""
        now, before = read_counters(), self._before
        self._before = now
        return SystemStats(_memory_mb(), self._gpu(), now.io_wait(before), now.disk(before))

    def _gpu(self) -> float | None:
        if not self._nvml or not _on_gpu():
            return None
        try:
            return torch.cuda.utilization() / 100
        except Exception:  # noqa: BLE001 - NVML is missing, or refuses: each library says so in its own way
            self._nvml = False
            return None


def read_counters(read: Callable[[str], str] | None = None) -> SystemCounters:
    read = read or _text
    bytes_read = next((int(line.split()[1]) for line in read("/proc/self/io").splitlines() if _READ in line[:11]), None)
    times = [int(each) for each in read("/proc/stat").partition("\n")[0].split()[1:]][:_COUNTED_TWICE]
    waited = times[_IO_WAIT] if len(times) > _IO_WAIT else None
    return SystemCounters(time.perf_counter(), bytes_read, waited, sum(times) if times else None)


def _on_gpu() -> bool:
    return bool(torch.cuda.is_initialized())  # type: ignore[no-untyped-call]  # torch gives it no type


def _memory_mb() -> float | None:
    if _on_gpu():
        return torch.cuda.max_memory_allocated() / _MB
    pages = _text("/proc/self/statm").split()
    return int(pages[1]) * os.sysconf("SC_PAGE_SIZE") / _MB if pages else None


def _growth(now: int | None, before: int | None) -> int | None:
    return None if now is None or before is None else now - before


def _text(path: str) -> str:
    try:
        return Path(path).read_text(encoding="ascii")
    except (OSError, ValueError):
        return ""
