"""Measurements and figures as the loop hands them over, for tests that change one thing of them."""

from dataclasses import replace
from typing import Any

from trainer.metrics.machine import SystemStats
from trainer.metrics.records import StepMetrics

PLAIN = StepMetrics(
    step=1200,
    steps=2515,
    epoch=4.8,
    loss=2.317,
    terms={"classes": 2.317},
    lr=2.1e-3,
    grad_norm=0.7,
    samples=640,
    seconds=1.6,
    elapsed=1.7,
    waits=(0.001, 0.0048),
    skipped=0,
    scale=None,
)
IDLE = SystemStats(memory_mb=1200.0, gpu_utilisation=None, io_wait=0.0, disk_mb_per_second=0.0)
FACTS: dict[str, Any] = {
    "world_size": 2,
    "device": "x86_64",
    "accumulation": 2,
    "precision": "off",
    "lr": 3e-3,
    "subjects": 400,
    "classes": 400,
    "samples": 3200,
    "steps": 2515,
    "epoch_steps": 252,
    "step": 0,
    "parameters": 281344,
    "threads": 1,
    "generation": 1,
    "versions": {"torch": "2.13.0", "python": "3.12.0"},
}


def measured(step: int = 1200, **other: Any) -> StepMetrics:  # noqa: ANN401 - any of its fields
    return replace(PLAIN, step=step, **other)


def figures(eer: float = 0.018, **other: object) -> dict[str, Any]:
    """Of a validation."""
    return {
        "eer": eer,
        "interval": [0.0131, 0.0213],
        "tar": {"0.01": 0.971, "0.001": 0.93, "1e-06": None},
        "mated": 2800,
        "non_mated": 300_000,
        "det": [[1.0, 0.0], [0.1, 0.01], [0.01, 0.03], [0.0, 1.0]],
        **other,
    }
