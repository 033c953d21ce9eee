"""The records of a run: plain mappings, as they stand in `metrics.jsonl` and as every other sink gets them.

Floats are written so that they read back as the same bits: a resumed run is compared with a straight one by its
records, without the fields that a clock decides.
"""

from collections.abc import Iterator, Mapping
from math import isfinite
from typing import Any

from trainer.watch.machine import Usage
from trainer.watch.measured import Measured

Record = dict[str, Any]

STEP, EVENT = "step", "event"
VALIDATIONS = ("subset", "full", "test")
CLOCK_FIELDS = frozenset(
    {
        "data_wait",
        "disk_mb_per_second",
        "eta_seconds",
        "gpu_utilisation",
        "io_wait",
        "memory_mb",
        "samples_per_second",
        "seconds",
        "time",
        "waits",
    }
)
"""What differs from run to run, however equal they are."""


def of_steps(measured: Measured, usage: Usage, eta: float | None) -> Record:
    return {
        "kind": STEP,
        "step": measured.step,
        "epoch": measured.epoch,
        "loss": measured.loss,
        "terms": dict(measured.terms),
        "lr": measured.lr,
        "grad_norm": measured.grad_norm,
        "skipped": measured.skipped,
        "scale": measured.scale,
        "samples_per_second": measured.samples_per_second,
        "seconds": measured.seconds,
        "data_wait": measured.data_wait,
        "waits": list(measured.waits),
        "memory_mb": usage.memory_mb,
        "gpu_utilisation": usage.gpu_utilisation,
        "io_wait": usage.io_wait,
        "disk_mb_per_second": usage.disk_mb_per_second,
        "eta_seconds": eta,
    }


def of_validation(step: int, kind: str, figures: Mapping[str, Any]) -> Record:
    return {"kind": kind, **figures, "step": step}


def of_event(name: str, facts: Mapping[str, Any]) -> Record:
    return {"kind": EVENT, "name": name, **facts}


def scalars(record: Mapping[str, Any]) -> dict[str, float]:
    """What can be drawn as a curve, by names like train/loss and full/tar/0.01; nothing of an event."""
    kind = record["kind"]
    if kind == EVENT:
        return {}
    figures = {name: each for name, each in record.items() if name not in {"kind", "step", "time", "power"}}
    return dict(_numbers("train" if kind == STEP else kind, figures))


def _numbers(prefix: str, value: object) -> Iterator[tuple[str, float]]:
    if isinstance(value, Mapping):
        for name, each in value.items():
            yield from _numbers(f"{prefix}/{name}", each)
    elif isinstance(value, int | float) and not isinstance(value, bool) and isfinite(value):
        yield prefix, float(value)
