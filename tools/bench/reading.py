"""Readers beside each other: each in a process of its own, in turn, on the same two cores, its pages in memory."""

import os
import sys
from dataclasses import dataclass
from pathlib import Path

import page_cache
from commands import run, said
from peers import PYTHON, Found
from places import SHARDKIT

CORES = 2


@dataclass(frozen=True)
class Loader:
    reads: str
    writes: str = ""
    """What makes its own files of a tree; nothing, if it reads the tree."""


FILES, WEBDATASET, MOSAICML, LITDATA, ENERGON, FFCV, SPDL = (
    "files",
    "webdataset",
    "mosaicml-streaming",
    "litdata",
    "megatron-energon",
    "ffcv",
    "spdl",
)
LOADERS = {
    FILES: Loader("read_files"),
    WEBDATASET: Loader("read_webdataset", "write_webdataset"),
    MOSAICML: Loader("read_mosaicml", "write_mosaicml"),
    LITDATA: Loader("read_litdata", "write_litdata"),
    ENERGON: Loader("read_energon", "write_energon"),
    FFCV: Loader("read_ffcv", "write_ffcv"),
    SPDL: Loader("read_spdl"),
}


@dataclass(frozen=True)
class Reader:
    command: list[str]
    folder: Path

    @property
    def megabytes(self) -> float:
        return sum(file.stat().st_size for file in page_cache.files_below(self.folder)) / 1e6


def pin() -> None:
    """Us and whatever we start."""
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:CORES])


def readers_of_peers(names: tuple[str, ...], peers: Found, tree: Path, room: Path, how: str) -> dict[str, Reader]:
    """Of those that are there; each has written its own files of the tree."""
    there = [name for name in names if name not in peers.missing]
    return {name: _reader(LOADERS[name], tree, room / name, how) for name in there}


def _reader(loader: Loader, tree: Path, out: Path, how: str) -> Reader:
    if loader.writes:
        out.mkdir()
        run([PYTHON, "-m", f"peer_scripts.{loader.writes}", str(tree), str(out)])
    folder = out if loader.writes else tree
    return Reader([PYTHON, "-m", f"peer_scripts.{loader.reads}", str(folder), how], folder)


def packed(source: Path, dataset: Path, *options: str) -> Reader:
    """Our own stream over a dataset packed for it."""
    run([SHARDKIT, "pack", str(source), str(dataset), *options])
    return Reader(ours("read_shardkit", dataset), dataset)


def ours(script: str, *arguments: object) -> list[str]:
    return [sys.executable, "-m", f"our_scripts.{script}", *map(str, arguments)]


def speeds(readers: dict[str, Reader], sample_bytes: int, turns: int) -> dict[str, float]:
    """Samples a second of each: the best of some turns, so that whatever else the machine does befalls all of them."""
    best = dict.fromkeys(readers, 0.0)
    for _ in range(turns):
        for name, reader in readers.items():
            page_cache.warm(reader.folder)
            best[name] = max(best[name], _speed(name, reader, sample_bytes))
    return best


def _speed(name: str, reader: Reader, sample_bytes: int) -> float:
    speed, each = map(float, said(reader.command).split()[-2:])
    if each != sample_bytes:
        sys.exit(f"{name} makes {each:,.0f} bytes of a sample, not {sample_bytes:,}: it reads something else.")
    return speed
