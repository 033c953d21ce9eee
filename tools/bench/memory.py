"""The most memory that processes ever had, in MB, as the kernel keeps it for each of them.

VmHWM and not ru_maxrss: the latter begins, in a new program, with what the one that started it had.
"""

import os
import threading
import time
from collections.abc import Callable
from pathlib import Path

PAUSE = 0.01  # seconds: what a process still grows in its last moment is missed


def own_peak() -> float:
    return _peak(os.getpid())


def peak_of_children(work: Callable[[], object]) -> float:
    """Of all processes that `work` starts, and those that they start: each one's highest, summed; never too little."""
    highest: dict[int, float] = {}
    done = threading.Event()
    watch = threading.Thread(target=_watch, args=(highest, done))
    watch.start()
    try:
        work()
    finally:
        done.set()
        watch.join()
    return sum(highest.values())


def _watch(highest: dict[int, float], done: threading.Event) -> None:
    while not done.is_set():
        for child in _below(os.getpid()):
            # Not the highest of all: before a child becomes its program, it shows the memory of its parent.
            highest[child] = _peak(child) or highest.get(child, 0)
        time.sleep(PAUSE)


def _below(parent: int) -> list[int]:
    children = [int(child) for file in Path(f"/proc/{parent}/task").glob("*/children") for child in _read(file).split()]
    return children + [below for child in children for below in _below(child)]


def _peak(process: int) -> float:
    lines = _read(Path(f"/proc/{process}/status")).splitlines()
    return sum(int(line.split()[1]) for line in lines if line.startswith("VmHWM:")) * 1024 / 1e6


def _read(file: Path) -> str:
    """Nothing, of a process that has ended."""
    try:
        return file.read_text()
    except (FileNotFoundError, ProcessLookupError):
        return ""
