"""Embeddings to verify: few and full of ties, or many around a centre of each subject."""

from dataclasses import dataclass

import torch
from hypothesis import strategies as st

FAR = (0.9, 0.5, 0.25, 0.1)


@dataclass(frozen=True)
class Samples:
    embeddings: torch.Tensor
    labels: torch.Tensor


@st.composite
def few(draw: st.DrawFn) -> Samples:
    """Of 2 to 6 subjects, the first with a pair; values are so few that many scores are equal."""
    sizes = [draw(st.integers(2, 4)), *draw(st.lists(st.integers(1, 4), min_size=1, max_size=5))]
    names = draw(st.lists(st.integers(-(2**40), 2**40), min_size=len(sizes), max_size=len(sizes), unique=True))
    labels = [name for name, size in zip(names, sizes, strict=True) for _ in range(size)]
    value = draw(st.sampled_from([st.integers(-1, 1), st.integers(0, 3), st.floats(-1, 1, width=32)]))
    vector = st.lists(value, min_size=3, max_size=3).filter(any)
    rows = draw(st.lists(vector, min_size=len(labels), max_size=len(labels)))
    return Samples(torch.tensor(rows, dtype=torch.float32), torch.tensor(labels))


def clustered(subjects: int, each: int, noise: float, *, seed: int = 0, length: int = 16) -> Samples:
    chance = torch.Generator().manual_seed(seed)
    labels = torch.arange(subjects).repeat_interleave(each)
    centres = torch.randn(subjects, length, generator=chance)
    return Samples(centres[labels] + noise * torch.randn(len(labels), length, generator=chance), labels)


def shuffled(samples: Samples, seed: int) -> Samples:
    order = torch.randperm(len(samples.labels), generator=torch.Generator().manual_seed(seed))
    return Samples(samples.embeddings[order], samples.labels[order])
