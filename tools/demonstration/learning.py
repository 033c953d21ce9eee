"""Where the demo's training run stands, read from what the run itself wrote."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from trainer.checkpoint.layout import steps_in
from trainer.watch.entries import STEP
from trainer.watch.jsonl import METRICS, records


@dataclass(frozen=True)
class Judged:
    step: int
    eer: float
    interval: tuple[float, float] | None
    subjects: int

    def __str__(self) -> str:
        within = f" [{self.interval[0]:.1%} to {self.interval[1]:.1%}]" if self.interval else ""
        return f"{self.eer:.1%}{within}"


@dataclass(frozen=True)
class Reached:
    step: int = 0
    epoch: float = 0.0


def reached(run: Path) -> Reached:
    """By the last line that it recorded."""
    told = [each for each in records(run / METRICS) if each["kind"] == STEP]
    return Reached(told[-1]["step"], told[-1]["epoch"]) if told else Reached()


def saved_step_of(run: Path) -> int:
    return max(steps_in(run), default=0)


def judged(run: Path) -> list[Judged]:
    """Full validations, from the untrained net to the last."""
    return [_judged(each) for each in records(run / METRICS) if each["kind"] == "full"]


def _judged(record: dict[str, Any]) -> Judged:
    interval = record.get("interval")
    return Judged(record["step"], record["eer"], tuple(interval) if interval else None, record["subjects"])
