"""What an epoch asks of the kernel, by `strace -c`: opening and asking after files must not come with every sample.

A run of one epoch is taken from a run of three: what remains is two epochs, without start-up.
"""

import shutil
from collections import Counter
from pathlib import Path

from commands import run
from places import scratch
from reading import ours
from report import publish_report
from trees import tiny_dataset

SAMPLES = 100_000
SHORT, LONG = 1, 3
OPENS = {"open", "openat", "openat2"}
STATS = {"stat", "lstat", "fstat", "newfstatat", "statx", "access", "faccessat", "faccessat2"}
SHOWN = 5


def calls(dataset: Path, epochs: int, table: Path) -> Counter[str]:
    run(["strace", "-f", "-c", "-o", str(table), "--", *ours("read_epochs", dataset, epochs)])
    lines = (line.split() for line in table.read_text().splitlines())
    return Counter({each[-1]: int(each[3]) for each in lines if len(each) in {5, 6} and each[3].isdecimal()})


def main() -> None:
    if not shutil.which("strace"):
        publish_report("opens", {}, notes={"strace": "missing: not installed"})
        return
    dataset = tiny_dataset(SAMPLES)
    shards = sum(1 for _ in dataset.glob("*.tar"))
    with scratch() as room:
        short, long = (calls(dataset, epochs, room / f"{epochs}") for epochs in (SHORT, LONG))
    del short["total"], long["total"]
    more = {name: (long[name] - short[name]) / (LONG - SHORT) for name in long}
    figures = {
        f"shards, of {SAMPLES:,} samples": float(shards),
        "opens an epoch": sum(more.get(name, 0) for name in OPENS),
        "stats an epoch": sum(more.get(name, 0) for name in STATS),
        "all calls an epoch": sum(more.values()),
        "all calls a sample": sum(more.values()) / SAMPLES,
    }
    most = sorted(more, key=lambda name: -more[name])[:SHOWN]
    publish_report("opens", figures | {f"{name} an epoch": more[name] for name in most})


if __name__ == "__main__":
    main()
