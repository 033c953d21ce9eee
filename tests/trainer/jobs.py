"""Training jobs as a user starts them: real processes, under torchrun where there are several ranks."""

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file

ROOT = Path(__file__).resolve().parents[2]
PATIENCE = 120


@dataclass(frozen=True)
class Ended:
    code: int
    said: str


def arguments(data: Path, folder: Path, **options: object) -> list[str]:
    """Of a run of twelve steps that takes seconds: 4 micro-batches a row, so 1, 2 and 4 ranks can share it."""
    settings: dict[str, object] = {
        "run.folder": folder,
        "run.epochs": 3,
        "data.path": data,
        "data.global_batch": 16,
        "data.micro_batch": 4,
        "augment.ridge_period": 0,
        "augment.shift": 2,
        "model.width": 0.25,
        "model.embedding": 16,
        "model.dropout": 0.1,
        "ema.decay": 0.9,
        "system.threads": 1,
        "checkpoint.every_steps": 2,
        "checkpoint.keep": 20,
        "log.every": 1,
        "log.tensorboard": "false",
        **options,
    }
    return [each for name, value in settings.items() for each in (f"--{name}", str(value))]


def start(
    ranks: int, words: list[str], fault: str = "", restarts: int = 0, module: str = "faulty"
) -> "subprocess.Popen[str]":
    alone = [sys.executable, "-m", f"tests.trainer.{module}", *words]
    agent = [sys.executable, "-m", "torch.distributed.run", "--standalone", f"--nproc_per_node={ranks}"]
    many = [*agent, f"--max-restarts={restarts}", *alone[1:]]
    return subprocess.Popen(
        alone if ranks == 1 else many,
        env={**os.environ, "TRAINER_FAULT": fault, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT)},
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def finish(process: "subprocess.Popen[str]") -> Ended:
    said, _ = process.communicate(timeout=PATIENCE)
    return Ended(process.returncode, said)


def job(ranks: int, words: list[str], fault: str = "", restarts: int = 0) -> Ended:
    return finish(start(ranks, words, fault, restarts))


def steps(folder: Path) -> list[int]:
    return sorted(int(each.name.removeprefix("step-")) for each in (folder / "checkpoints").glob("step-*"))


def state(folder: Path, step: int) -> dict[str, Any]:
    state: dict[str, Any] = json.loads((_at(folder, step) / "state.json").read_text())["state"]
    return state


def tensors(folder: Path, step: int) -> dict[str, torch.Tensor]:
    files = sorted(_at(folder, step).glob("*.safetensors"))
    return {f"{file.stem}/{name}": each for file in files for name, each in load_file(file).items()}


def metrics(folder: Path, *clock: str) -> list[dict[str, Any]]:
    """What was recorded of steps and validations, without what a clock decides."""
    lines = [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]
    return [
        {name: each for name, each in line.items() if name not in clock} for line in lines if line["kind"] != "event"
    ]


def _at(folder: Path, step: int) -> Path:
    return folder / "checkpoints" / f"step-{step:010d}"
