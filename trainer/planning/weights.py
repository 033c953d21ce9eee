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
    spread: bool = False
    """Whether each card holds its share of the classes alone."""
    centred: bool = False
    """Whether each class has a centre, which every card holds."""

    @property
    def parameters(self) -> int:
        return self.backbone + self._of_classes

    @property
    def head(self) -> int:
        """Bytes of the head with its share of the optimiser."""
        return self._of_classes * FLOAT * (1 + self.copies)

    @property
    def checkpoint(self) -> int:
        return self.parameters * FLOAT * (1 + self.averaged + self.copies) + self._centres * (1 + self.averaged)

    def on_card(self, cards: int = 1, *, sharded: bool = False) -> int:
        """Weights, their gradients and average, and the optimiser, which may be spread over the cards.

        Activations come on top; they are what the micro-batch was chosen by.
        """
        own = self.backbone + self._of_classes // (cards if self.spread else 1)
        optimizer = own * FLOAT * self.copies // (cards if sharded else 1)
        return own * FLOAT * (2 + self.averaged) + optimizer + self._centres * (1 + self.averaged)

    @property
    def _of_classes(self) -> int:
        return self.classes * self.embedding

    @property
    def _centres(self) -> int:
        """Bytes."""
        return self._of_classes * FLOAT * self.centred


def copies_of(optimizer: str, momentum: float) -> int:
    """Adam keeps two averages of every gradient, SGD one if it has momentum."""
    if optimizer == "sgd":
        return int(momentum > 0)
    return 2
