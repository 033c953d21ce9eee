"""What every benchmark reports: its figures as a table and as JSON, with the machine and the versions they hold for."""

import json
import os
import platform
import time
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path

from peers import Found
from places import ROOT

RESULTS = ROOT / "bench-results"
PACKAGES = ("shardkit", "numpy", "opencv-python-headless", "torch")


def seconds(work: Callable[[], object], *, repeats: int = 3) -> float:
    """The best of a few runs: what the code costs, with the least of what the machine did besides."""
    best = float("inf")
    for _ in range(repeats):
        start = time.perf_counter()
        work()
        best = min(best, time.perf_counter() - start)
    return best


def in_turn(*works: Callable[[], object], repeats: int) -> list[float]:
    """The best seconds of each, taken in turn, so that whatever else the machine does befalls all of them."""
    best = [float("inf")] * len(works)
    for _ in range(repeats):
        best = [min(before, seconds(work, repeats=1)) for before, work in zip(best, works, strict=True)]
    return best


def publish_report(
    name: str, figures: dict[str, float], *, peers: Found | None = None, notes: dict[str, str] | None = None
) -> None:
    """Print the figures and keep them in bench-results/NAME.json, with the versions of peers and which are missing."""
    missing = peers.missing if peers else {}
    remarks = {peer: f"missing: {why}" for peer, why in missing.items()} | (notes or {})
    width = max(map(len, [*figures, *remarks]))
    for what, figure in figures.items():
        print(f"{what:<{width}}  {figure:>10,.2f}")
    for what, remark in remarks.items():
        print(f"{what:<{width}}  {remark}")
    RESULTS.mkdir(exist_ok=True)
    report: dict[str, object] = {"machine": machine(), "versions": versions()}
    if peers:
        report |= {"peers": peers.versions, "missing": peers.missing}
    report |= {"notes": notes} if notes else {}
    (RESULTS / f"{name}.json").write_text(json.dumps(report | {"figures": figures}, indent=1) + "\n")


def machine() -> dict[str, object]:
    names = (line.partition(":")[2].strip() for line in _lines("/proc/cpuinfo") if line.startswith("model name"))
    return {
        "processor": next(names, platform.processor()),
        "cores": len(os.sched_getaffinity(0)),
        "memory_gb": round(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 1e9, 1),
        "system": platform.system(),
        "python": platform.python_version(),
    }


def versions() -> dict[str, str]:
    return {each: version(each) for each in PACKAGES}


def _lines(path: str) -> list[str]:
    file = Path(path)
    return file.read_text().splitlines() if file.exists() else []
