"""The factor that keeps fp16 gradients from vanishing: halved at an overflow, doubled after a while without.

Two numbers, kept in every checkpoint: a scale made anew starts with overflows.
"""

from dataclasses import dataclass


@dataclass
class Scaler:
    scale: float
    interval: int
    clean: int = 0
    """Steps since the last overflow or doubling."""

    def took(self, finite: bool) -> None:  # noqa: FBT001 - it is the whole message
        if not finite:
            self.scale, self.clean = self.scale / 2, 0
            return
        self.clean += 1
        if self.clean == self.interval:
            self.scale, self.clean = self.scale * 2, 0
