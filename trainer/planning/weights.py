"""What weights weigh: the backbone's, the head's, which grows with the subjects, and what the optimiser keeps."""

from dataclasses import dataclass

FLOAT = 4
"""Bytes of a number: weights and their optimiser are in single precision whatever the arithmetic is."""


@dataclass(frozen=True)
class Weights:
    backbone: int
    """Parameters."""
    classes: int
    embedding: int
    copies: int
    """Numbers that the optimiser keeps for each parameter."""
    averaged: bool
    """Whether an EMA is kept."""

    @property
    def parameters(self) -> int:
        return self.backbone + self.classes * self.embedding

    @property
    def head(self) -> int:
        """Bytes of the head with its share of the optimiser."""
        return self.classes * self.embedding * FLOAT * (1 + self.copies)

    @property
    def optimizer(self) -> int:
        return self.parameters * FLOAT * self.copies

    @property
    def checkpoint(self) -> int:
        return self.parameters * FLOAT * (1 + self.averaged) + self.optimizer

    def on_card(self, sharers: int = 1) -> int:
        """Weights, their gradients and average, and the optimiser, which may be spread over some cards.

        Activations come on top; they are what the micro-batch was chosen by.
        """
        return self.parameters * FLOAT * (2 + self.averaged) + self.optimizer // sharers


def copies_of(optimizer: str, momentum: float) -> int:
    """Adam keeps two averages of every gradient, SGD one if it has momentum."""
    if optimizer == "sgd":
        return int(momentum > 0)
    return 2
