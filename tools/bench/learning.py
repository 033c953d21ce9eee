"""Does it learn, and better than the guides' recipe? Held-out fingers, equal steps, several seeds, a paired bootstrap.

Each run is `python -m trainer` under torchrun, with two ranks, on a dataset that `shardkit pack` wrote: 400 subjects
x 8 to learn from, 200 others to judge. A run that was stopped goes on. What classical matching of minutiae reaches on
such prints is told by `tools/judge_fingerprints.py`.
"""

import argparse
import sys
from itertools import starmap

from bootstrap import Difference, Pairs, difference, pairs_of
from commands import run
from places import KEPT, SHARDKIT, TOOLS
from report import publish_report
from runs import embedded

LEARNT_FROM, JUDGED_ON, IMPRESSIONS = 400, 200, 8
PACKED = KEPT / "p600-packed"
RUNS = KEPT / "learning"

RECIPE = "fingerprints-small"
SAME: dict[str, object] = {"data.path": PACKED, "system.threads": 1, "log.every": 50}
OURS: dict[str, object] = {}
"""The recipe as it is."""
GUIDES: dict[str, object] = {
    "augment.rotation": 15,
    "augment.shift": 25,
    "augment.erase": 0,
    "model.dropout": 0,
    "head.name": "softmax",
    "loss.center": 0.125,
    "optim.name": "sgd",
    "optim.base_lr": 0.1,
    "optim.base_batch": 256,
    "optim.warmup": 5,
}
"""Plain softmax and centres, SGD by the linear rule with five epochs of warm-up, turns and shifts as they say: for the
same net and the same rows."""


def main() -> None:
    asked = _asked()
    make_data()
    found = {
        name: [_learnt(name, recipe, seed, asked.steps) for seed in range(asked.seeds)]
        for name, recipe in (("ours", OURS), ("guides", GUIDES))
    }
    told = difference(found["ours"], found["guides"])
    publish_report("learning", dict(_figures(found, told)), notes={"sure at 95 %": "yes" if told.sure else "no"})


def _asked() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--steps", type=int, default=2500)
    return parser.parse_args()


def make_data() -> None:
    if (PACKED / "manifest.json").exists():
        return
    tree, subjects = KEPT / "p600-8", LEARNT_FROM + JUDGED_ON
    counts = ["--subjects", str(subjects), "--impressions", str(IMPRESSIONS), "--size", "400x320"]
    run([sys.executable, str(TOOLS / "make_fingerprints.py"), str(tree), *counts])
    split = KEPT / "p600.csv"
    lines = [f"{subject:06},{'train' if subject < LEARNT_FROM else 'val'}" for subject in range(subjects)]
    split.write_text("\n".join(["subject,split", *lines]) + "\n")
    run([SHARDKIT, "pack", str(tree), str(PACKED), "--split-file", str(split), "--codec", "zstd"])


def _learnt(name: str, recipe: dict[str, object], seed: int, steps: int) -> Pairs:
    flags = SAME | recipe | {"run.seed": seed, "run.steps": steps}
    return pairs_of(*embedded(RECIPE, RUNS / f"{name}-{steps}-{seed}", flags))


def _figures(found: dict[str, list[Pairs]], told: Difference) -> list[tuple[str, float]]:
    each = [
        (f"{name}, seed {seed}: EER in %", 100 * pairs.equal_error())
        for name, many in found.items()
        for seed, pairs in enumerate(many)
    ]
    means = starmap(lambda name, rate: (f"{name}: mean EER in %", 100 * rate), zip(found, told.rates, strict=True))
    apart = [("guides minus ours, low end of 95 %", 100 * told.low), ("and high end", 100 * told.high)]
    return [*each, *means, *apart]


if __name__ == "__main__":
    main()
