"""Where the demo's training run stands, read from what the run itself wrote."""

from dataclasses import dataclass
from pathlib import Path

from trainer.checkpoint.store import list_steps
from trainer.metrics.console import format_headline
from trainer.metrics.records import METRICS_FILE, STEP, read_records


@dataclass(frozen=True)
class Judged:
    step: int
    rate: str
    """With its interval, and no digit more than its pairs can carry."""
    subjects: int


@dataclass(frozen=True)
class Reached:
    step: int = 0
    epoch: float = 0.0


def reached(run: Path) -> Reached:
    """By the last line that it recorded."""
    told = [each for each in read_records(run / METRICS_FILE) if each["kind"] == STEP]
    return Reached(told[-1]["step"], told[-1]["epoch"]) if told else Reached()


def saved_step_of(run: Path) -> int:
    return max(list_steps(run), default=0)


def judged(run: Path) -> list[Judged]:
    """Full validations, from the untrained net to the last."""
    full = [each for each in read_records(run / METRICS_FILE) if each["kind"] == "full"]
    return [Judged(each["step"], format_headline(each), each["subjects"]) for each in full]
