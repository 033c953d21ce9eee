"""How fast one card learns DeepPrint: `fingerprints-500k` with its texture branch alone, 299 x 299, in bf16.

From a packed dataset, through the real stream and loop. The first half of the steps is left out: there it compiles.
Without a card it measures the same at an eighth of the width, which says that it runs and nothing about its speed.
"""

import argparse
import sys
from statistics import median

import torch

from commands import run
from places import KEPT, SHARDKIT, scratch
from report import publish_report
from trainer.metrics.records import METRICS_FILE, read_records
from trees import prints_400

CARD: dict[str, object] = {"data.global_batch": 256, "data.micro_batch": 256, "amp.dtype": "bf16", "log.every": 20}
NO_CARD: dict[str, object] = {
    "data.global_batch": 8,
    "data.micro_batch": 8,
    "model.width": 0.125,
    "system.channels_last": "false",
    "system.compile": "false",
    "log.every": 1,
}
SAME: dict[str, object] = {
    "model.name": "deepprint-tex",
    "loss.minutiae_map": 0,
    "data.val": "",
    "data.test": "",
    "run.epochs": 10_000,  # the steps decide
    "optim.warmup": 0,
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--steps", type=int, help="default: 400 on a card, 6 without")
    there = torch.cuda.is_available()
    steps = parser.parse_args().steps or (400 if there else 6)
    packed = KEPT / "p400-1000-zstd"
    if not packed.exists():
        run([SHARDKIT, "pack", str(prints_400(1000)), str(packed), "--size", "299", "--codec", "zstd"])
    with scratch() as room:
        flags = SAME | (CARD if there else NO_CARD) | {"data.path": packed, "run.folder": room, "run.steps": steps}
        words = [word for name, value in flags.items() for word in (f"--{name}", str(value))]
        run([sys.executable, "-m", "trainer", "--config", "fingerprints-500k", *words])
        told = [
            each for each in read_records(room / METRICS_FILE) if each["kind"] == "step" and each["step"] > steps // 2
        ]
    figures = {
        "samples a second": median(each["samples_per_second"] for each in told),
        "waiting for data, % of the time": 100 * median(each["data_wait"] for each in told),
    }
    name = torch.cuda.get_device_name() if there else "no card: an eighth of the width, on a CPU"
    publish_report("card", figures, notes={"on": name})


if __name__ == "__main__":
    main()
