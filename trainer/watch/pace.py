"""How long the rest of a run takes, from how long its steps took so far."""

from dataclasses import dataclass

from trainer.watch.measured import Measured


@dataclass
class Pace:
    """The first record holds a start, which does not come again: it counts until there is another."""

    step: int = 0
    """Up to which everything is counted."""
    _records: int = 0
    _rows: int = 0
    _seconds: float = 0.0

    def seconds_left(self, measured: Measured) -> float | None:
        """None if no step was done yet."""
        if self._records == 1:
            self._rows, self._seconds = 0, 0.0
        self._records += 1
        self._rows += measured.step - self.step
        self._seconds += measured.elapsed
        self.step = measured.step
        return (measured.steps - measured.step) * self._seconds / self._rows if self._rows > 0 else None
