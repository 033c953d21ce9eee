"""Twins: does the recipe tell them apart better than plain softmax? The same small transformer, at equal steps.

The recipe has a margin, triplets, pairs, and rows of pairs of which three in ten strangers are twins; the other has
plain scores, and rows drawn by sample.

100 pairs of twins x 2 x 8 faces of 112 x 112, three in ten pairs held out, and judged on their own pairs alone: two
images of one person against one of each twin. Whole pairs of twins are drawn for the bootstrap.
"""

import argparse
import sys

import numpy as np

import shardkit
from bootstrap import Pairs, difference, twins_of
from commands import run
from places import KEPT, SHARDKIT, TOOLS
from report import publish_report
from runs import embedded

PAIRS, IMAGES, SIDE = 100, 8, 112
PACKED = KEPT / "twins-packed"
RUNS = KEPT / "twins"

SAME = {
    "data.path": PACKED,
    "data.size": SIDE,
    "data.global_batch": 48,
    "data.micro_batch": 24,
    "run.epochs": 1000,  # the steps decide
    "model.width": 0.25,
    "model.blocks": "2 1 2",
    "model.embedding": 128,
    "model.dropout": 0.0,
    "optim.base_lr": 5e-4,
    "augment.shift": 4,
    "system.threads": 1,
    "system.compile": "false",
    "validate.every_epochs": 0,
    "validate.every_steps": 500,
    "log.every": 50,
}
OURS: dict[str, object] = {}
"""The recipe `twins-fast` at this size."""
PLAIN: dict[str, object] = {
    "data.sampler": "uniform",
    "head.name": "softmax",
    "loss.triplet": 0,
    "loss.pairs": 0,
    "loss.focal": 0,
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--steps", type=int, default=1000)
    asked = parser.parse_args()
    _make_data()
    ours, plain = (
        [_learnt(name, recipe, seed, asked.steps) for seed in range(asked.seeds)]
        for name, recipe in (("ours", OURS), ("plain", PLAIN))
    )
    told = difference(ours, plain)
    figures = {
        "triplets and pairs: mean EER over twins in %": 100 * told.rates[0],
        "plain softmax: mean EER over twins in %": 100 * told.rates[1],
        "plain minus ours, low end of 95 %": 100 * told.low,
        "and high end": 100 * told.high,
    }
    publish_report("twins", figures, notes={"sure at 95 %": "yes" if told.sure else "no"})


def _make_data() -> None:
    if (PACKED / "manifest.json").exists():
        return
    tree = KEPT / f"twins-{PAIRS}-{IMAGES}"
    counts = ["--pairs", str(PAIRS), "--images", str(IMAGES), "--size", str(SIDE)]
    run([sys.executable, str(TOOLS / "make_twins.py"), str(tree), *counts])
    groups = ["--groups", str(tree / "twin_pairs_infor.json"), "--split", "train=0.7,val=0.3"]
    run([SHARDKIT, "pack", str(tree), str(PACKED), *groups, "--codec", "zstd"])


def _learnt(name: str, recipe: dict[str, object], seed: int, steps: int) -> Pairs:
    folder = RUNS / f"{name}-{steps}-{seed}"
    vectors, labels = embedded("twins-fast", folder, SAME | recipe | {"run.seed": seed, "run.steps": steps})
    there = {each.label: each.group for each in shardkit.open(PACKED).subjects if each.split == "val"}
    numbers = {group: number for number, group in enumerate(sorted(set(there.values())))}
    return twins_of(vectors, labels, np.array([numbers[there[label]] for label in labels.tolist()]))


if __name__ == "__main__":
    main()
