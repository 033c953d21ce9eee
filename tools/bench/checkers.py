"""Checking every byte of a dataset, beside programs that only hash the same files: coreutils, BLAKE3, and `cat`.

All are whole commands, start-up included, in turn, on files that are in the page cache. `verify` compares what it reads
with headers, index and manifest; the others could not say whether anything is wrong.
"""

import shutil
import sys
from functools import partial
from pathlib import Path

import page_cache
from commands import run
from places import SHARDKIT, scratch
from report import in_turn, publish_report
from trees import fingerprints

# 2.2 and 6 GB: starting up matters less in the second.
IMAGES = (12_000, 33_000)
TURNS = 5
VERIFY = "shardkit verify"


def commands(dataset: Path) -> dict[str, list[str]]:
    files = list(map(str, page_cache.files_below(dataset)))
    checkers = {
        VERIFY: [SHARDKIT, "verify", str(dataset)],
        "sha256sum": ["sha256sum", *files],
        "blake3, all cores": [sys.executable, "-m", "peer_scripts.hash_blake3", *files],
        "cat": ["cat", *files],
    }
    return checkers | ({"b3sum": ["b3sum", *files]} if shutil.which("b3sum") else {})


def figures(images: int) -> dict[str, float]:
    with scratch() as room:
        dataset = room / "dataset"
        run([SHARDKIT, "pack", str(fingerprints(images)), str(dataset)])
        page_cache.warm(dataset)
        checkers = commands(dataset)
        best = in_turn(*(partial(run, command) for command in checkers.values()), repeats=TURNS)
        size = sum(file.stat().st_size for file in page_cache.files_below(dataset)) / 1e9
    taken = dict(zip(checkers, best, strict=True))
    seconds = {f"{size:.1f} GB: {name}, s": each for name, each in taken.items()}
    ratios = {f"{size:.1f} GB: {name} / {VERIFY}": taken[name] / taken[VERIFY] for name in taken if name != VERIFY}
    return seconds | ratios


def main() -> None:
    rows: dict[str, float] = {}
    for images in IMAGES:
        rows |= figures(images)
    missing = {} if shutil.which("b3sum") else {"b3sum": "missing: not installed"}
    publish_report("checkers", rows, notes=missing)


if __name__ == "__main__":
    main()
