"""Samples by subject, and subjects in groups: the unit of work, and what the interval leaves out one at a time.

A group holds whole subjects, so two groups share no mated pair. Which subjects it holds follows from the labels alone.
"""

from dataclasses import dataclass

import torch

from trainer.errors import UsageError

GROUPS = 32


@dataclass(frozen=True)
class Grouped:
    vectors: torch.Tensor
    """Of all samples, sorted by label."""
    labels: torch.Tensor
    bounds: tuple[int, ...]
    """Where each group begins, and where the last one ends."""
    sizes: tuple[int, ...]
    """Samples of each subject."""
    order: torch.Tensor
    """Which of the embeddings each of them was."""

    @property
    def groups(self) -> int:
        return len(self.bounds) - 1

    @property
    def mated(self) -> int:
        return sum(_pairs(size) for size in self.sizes)

    @property
    def non_mated(self) -> int:
        return _pairs(len(self.labels)) - self.mated


def grouped(vectors: torch.Tensor, labels: torch.Tensor) -> Grouped:
    order = labels.argsort(stable=True)
    sizes: list[int] = torch.unique_consecutive(labels[order], return_counts=True)[1].tolist()
    samples = Grouped(vectors[order], labels[order], _bounds(sizes, min(GROUPS, len(sizes))), tuple(sizes), order)
    _refuse_without_pairs(samples)
    return samples


def _bounds(sizes: list[int], groups: int) -> tuple[int, ...]:
    """Groups of as many subjects each as possible."""
    return tuple(sum(sizes[: number * len(sizes) // groups]) for number in range(groups + 1)) if groups else (0,)


def _refuse_without_pairs(samples: Grouped) -> None:
    if not samples.mated:
        raise UsageError(
            f"No two of the {len(samples.labels):,} samples to compare are of one subject. Such a split needs subjects "
            "with two samples or more: name another split, or raise validate.subset if it is what leaves them out."
        )
    if not samples.non_mated:
        raise UsageError(
            f"All {len(samples.labels):,} samples to compare are of one subject. Such a split needs two subjects or "
            "more: name another one, or pack the dataset with a greater share of them in it."
        )


def _pairs(count: int) -> int:
    return count * (count - 1) // 2
