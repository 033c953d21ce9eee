"""Does it matter that minutiae move with their print? DeepPrint-TexMinu with and without the guides' mistake.

Both at an eighth of the published width, on prints of half resolution, at equal steps; judged on subjects that were
held out, with a bootstrap over them. The data is that of `learning.py`.
"""

import argparse

from bootstrap import Pairs, difference, pairs_of
from learning import PACKED, make_data
from places import BENCH, KEPT
from report import publish_report
from runs import embedded

RUNS = KEPT / "minutiae"
STILL = BENCH / "our_scripts" / "still_minutiae.py"

SAME = {
    "data.path": PACKED,
    "data.global_batch": 32,
    "data.micro_batch": 16,
    "data.size": 0,
    "data.test": "",
    "run.epochs": 1000,  # the steps decide
    "augment.shrink": 2,
    "augment.crop": "128 112",
    "model.width": 0.125,
    "model.embedding": 128,
    "model.dropout": 0.0,
    "head.name": "cosface",
    "optim.name": "adamw",
    "optim.base_lr": 1e-3,
    "optim.base_batch": 32,
    "optim.warmup": 0.5,
    "system.threads": 1,
    "system.compile": "false",
    "system.channels_last": "false",
    "validate.every_epochs": 0,
    "validate.every_steps": 1000,
    "validate.subset": 0,
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--steps", type=int, default=400)
    asked = parser.parse_args()
    make_data()
    moved, still = (
        [_learnt(name, program, seed, asked.steps) for seed in range(asked.seeds)]
        for name, program in (("moved", ["-m", "trainer"]), ("still", [str(STILL)]))
    )
    told = difference(moved, still)
    figures = {
        "minutiae moved with their print: EER in %": 100 * told.rates[0],
        "minutiae left behind: EER in %": 100 * told.rates[1],
        "left behind minus moved, low end of 95 %": 100 * told.low,
        "and high end": 100 * told.high,
    }
    publish_report("minutiae", figures, notes={"sure at 95 %": "yes" if told.sure else "no"})


def _learnt(name: str, program: list[str], seed: int, steps: int) -> Pairs:
    flags = SAME | {"run.seed": seed, "run.steps": steps}
    return pairs_of(*embedded("fingerprints-500k", RUNS / f"{name}-{steps}-{seed}", flags, program))


if __name__ == "__main__":
    main()
