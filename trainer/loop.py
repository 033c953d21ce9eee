"""The run itself: what is due, then the next row, until something says that it is over."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Protocol

from trainer.batches import Row
from trainer.step import Outcome


@dataclass(frozen=True)
class Ending:
    step: int
    why: str
    exit_code: int

    @property
    def finished(self) -> bool:
        return self.exit_code == 0


class Duties(Protocol):
    def __call__(self, behind: Row | None, asked: int) -> Ending | None:
        """Validate and save what is due behind a row; an ending if there is nothing more to do.

        `asked` is the signal by which any rank was asked to stop, as all agreed, or 0.
        """


def train(
    rows: Iterator[Row],
    learn: Callable[[Row], Outcome],
    duties: Duties,
    report: Callable[[Row, Outcome], None],
) -> Ending:
    row, asked = None, 0
    while (ending := duties(row, asked)) is None:
        row = next(rows)
        outcome = learn(row)
        report(row, outcome)
        asked = outcome.said.signal
    return ending
