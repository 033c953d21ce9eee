"""Packing 4 000 grey PNGs of 512 x 512 on two cores, beside `tar -c` and the writers of our peers.

All write the same files, in turn, and end with a `sync`: every figure is of data that would survive a power cut. Each
runs once on a few other images first: its program is then in memory, and `cold` is said of the tree alone. The ratios
leave out what a peer takes for its imports, and count ours.
"""

import os
import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import page_cache
from commands import said
from peers import PYTHON, Found, found
from places import SHARDKIT, scratch
from report import publish_report
from trees import fingerprints, noise

IMAGES, FIRST_IMAGES = 4_000, 20
CORES = 2
TURNS = 3
TAR, PACK, PACK_ZSTD = "tar -c", "shardkit pack", "shardkit pack --codec zstd"
SCRIPTS = {
    "webdataset": "peer_scripts.write_webdataset",
    "mosaicml-streaming": "peer_scripts.write_mosaicml",
    "litdata": "peer_scripts.write_litdata",
    "megatron-energon": "peer_scripts.write_energon",
    "ffcv": "peer_scripts.write_ffcv",
}
AFTER = " after its imports"
# FFCV stores pixels, as zstd does; all others store the bytes of the PNG.
STORES_PIXELS = {"ffcv"}


@dataclass(frozen=True)
class Seconds:
    whole: float
    written: float
    """Without the imports of a peer, as its script says; `sync` is in both."""

    def best(self, other: "Seconds") -> "Seconds":
        return Seconds(min(self.whole, other.whole), min(self.written, other.written))


Command = Callable[[Path, Path], list[str]]


def commands(peers: Found) -> dict[str, Command]:
    ours: dict[str, Command] = {
        TAR: lambda tree, out: ["tar", "-c", "-f", str(out / "all.tar"), "-C", str(tree), "."],
        PACK: lambda tree, out: [SHARDKIT, "pack", str(tree), str(out / "dataset")],
        PACK_ZSTD: lambda tree, out: [SHARDKIT, "pack", str(tree), str(out / "dataset"), "--codec", "zstd"],
    }
    return ours | {peer: _script(module) for peer, module in SCRIPTS.items() if peer in peers.versions}


def _script(module: str) -> Command:
    return lambda tree, out: [PYTHON, "-m", module, str(tree), str(out)]


def measure(
    commands: dict[str, Command], prepare: Callable[[Path], None], tree: Path, room: Path
) -> dict[str, Seconds]:
    best: dict[str, Seconds] = {}
    for _ in range(TURNS):
        for name, command in commands.items():
            prepare(tree)
            _write(command, room / "first", room)
            now = _write(command, tree, room)
            best[name] = now.best(best.get(name, now))
    return best


def _write(command: Command, tree: Path, room: Path) -> Seconds:
    out = room / "out"
    out.mkdir()
    arguments = command(tree, out)
    os.sync()
    start = time.perf_counter()
    answer = said(arguments)
    ended = time.perf_counter()
    os.sync()
    synced = time.perf_counter()
    shutil.rmtree(out)
    written = float(answer.split()[-1]) if arguments[0] == PYTHON else ended - start
    return Seconds(synced - start, written + synced - ended)


def figures(state: str, best: dict[str, Seconds]) -> dict[str, float]:
    rows = {f"{state}: {name}, s": seconds.whole for name, seconds in best.items()}
    for name, seconds in best.items():
        if name in SCRIPTS:
            rows[f"{state}: {name}{AFTER}, s"] = seconds.written
    for name, seconds in best.items():
        if name not in (PACK, PACK_ZSTD):
            ours = PACK_ZSTD if name in STORES_PIXELS else PACK
            rows[f"{state}: {name}{AFTER if name in SCRIPTS else ''} / {ours}"] = seconds.written / best[ours].whole
    return rows


def main() -> None:
    peers = found()
    tree = fingerprints(IMAGES)
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:CORES])
    with scratch() as room:
        noise(room / "first", FIRST_IMAGES)
        warm = measure(commands(peers), page_cache.warm, tree, room)
        cold = measure(commands(peers), page_cache.cold, tree, room)
    rows = figures("warm", warm) | figures("cold", cold)
    publish_report("writers", rows, peers=peers, notes={"cold": page_cache.HOW})


if __name__ == "__main__":
    main()
