"""An epoch of files that are not in memory, beside the fastest way to read them: one after the other, 1 MiB at a time.

An epoch can be bound by the disk or by decoding: `of its bound` is said of the slower of the two. Only the files of the
dataset are forgotten; what lies under the disk of a virtual machine may remember them.
"""

import os
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import page_cache
from commands import said
from places import scratch
from reading import Reader, ours, packed, pin
from report import publish_report
from trees import grown_fingerprints

IMAGES = 4_000
CODECS = ("raw", "png", "zstd")
THREADS = (1, 2)
PIECE = 1 << 20
TURNS = 2


def sequential(reader: Reader, threads: int) -> float:
    """MB/s of all files, cold."""
    page_cache.forget(reader.folder)
    start = time.perf_counter()
    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(read, page_cache.files_below(reader.folder)))
    return reader.megabytes / (time.perf_counter() - start)


def read(file: Path) -> None:
    piece = bytearray(PIECE)
    with file.open("rb", buffering=0) as opened:
        os.posix_fadvise(opened.fileno(), 0, 0, os.POSIX_FADV_SEQUENTIAL)
        while opened.readinto(piece):
            pass


def streamed(reader: Reader) -> tuple[float, float]:
    """MB/s of an epoch that begins cold, and of the one behind it."""
    page_cache.forget(reader.folder)
    cold, warm = said(ours("read_epochs", reader.folder, 2)).splitlines()
    return reader.megabytes / float(cold.split()[0]), reader.megabytes / float(warm.split()[0])


def rows(codec: str, reader: Reader) -> Iterator[tuple[str, float]]:
    disk = max(sequential(reader, threads) for _ in range(TURNS) for threads in THREADS)
    turns = [streamed(reader) for _ in range(TURNS)]
    cold, warm = max(cold for cold, _ in turns), max(warm for _, warm in turns)
    yield f"{codec}: read one after the other, MB/s", disk
    yield f"{codec}: streamed cold, MB/s", cold
    yield f"{codec}: streamed warm, MB/s", warm
    yield f"{codec}: streamed cold / one after the other", cold / disk
    yield f"{codec}: streamed cold / its bound", cold / min(disk, warm)


def main() -> None:
    pin()
    tree = grown_fingerprints(IMAGES)
    figures: dict[str, float] = {}
    for codec in CODECS:
        with scratch() as room:
            figures |= rows(codec, packed(tree, room / "dataset", "--codec", codec))
    publish_report("cold", figures)


if __name__ == "__main__":
    main()
