"""Small pictures of a few classes: easy to make by the million, learnable, and not quite separable.

A class is a smooth random field. A sample is its class's field plus two fields of a common bank that mean nothing, each
shifted by a few pixels and with a weight of its own, under white grain. A nearest-template classifier gets most of them
right, and a network that learns to look past the clutter gets more.

Samples come in chunks of about 25 MB. A chunk depends on (seed, chunk) alone, so any of them can be made at any time by
anybody, and what is made never depends on how much of it is asked for.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from synthetic.draws import Stream, generator
from synthetic.fields import Float

CHUNK_BYTES = 25_000_000

# The finest detail of a field, in waves across the picture: the scale at which a class has to be told from clutter.
WAVES = 1.5

BANK = 100
CLUTTER_PER_SAMPLE = 2
REACH = 2  # the farthest shift, in pixels
GAIN = (0.6, 1.4)


@dataclass(frozen=True)
class Problem:
    """What there is to learn, and how hard it is: `noise` is the strength of clutter and grain beside a class's 1."""

    seed: int
    classes: int
    shape: tuple[int, int, int]
    noise: float

    @property
    def sample_bytes(self) -> int:
        return int(np.prod(self.shape)) * 4

    @property
    def chunk_samples(self) -> int:
        """Whole rounds of all classes, so that no round crosses from one chunk to the next."""
        return self.classes * max(1, CHUNK_BYTES // (self.sample_bytes * self.classes))

    @property
    def chunk_bytes(self) -> int:
        return self.chunk_samples * self.sample_bytes


def labels(problem: Problem, chunk: int) -> NDArray[np.int32]:
    """Every class once in each round, the order drawn: balanced to within one sample wherever the samples end."""
    rounds = problem.chunk_samples // problem.classes
    in_order = np.tile(np.arange(problem.classes, dtype=np.int32), (rounds, 1))
    return generator(problem.seed, Stream.IDENTITY, chunk).permuted(in_order, axis=1).ravel()


def templates(problem: Problem) -> Float:
    """The classes' fields, then the bank of those that mean nothing; all have mean 0 and variance 1."""
    white = generator(problem.seed, Stream.TEMPLATE).standard_normal((problem.classes + BANK, *problem.shape))
    smooth = np.fft.irfft2(np.fft.rfft2(white) * _low_pass(*problem.shape[1:]), s=problem.shape[1:])
    smooth -= smooth.mean(axis=(1, 2, 3), keepdims=True)
    fields: Float = (smooth / smooth.std(axis=(1, 2, 3), keepdims=True)).astype(np.float32)
    return fields


def _low_pass(rows: int, columns: int) -> NDArray[np.float64]:
    down, across = np.fft.fftfreq(rows) * rows, np.fft.rfftfreq(columns) * columns
    passed: NDArray[np.float64] = np.exp(-(down[:, None] ** 2 + across**2) / (2 * WAVES**2))
    return passed


class Pictures:
    """Makes the pictures of one problem, a chunk at a time; several threads may share one."""

    def __init__(self, problem: Problem) -> None:
        self._problem = problem
        # A field is periodic, so a shifted one is a window into it with its edges wrapped around.
        margins = ((0, 0), (0, 0), (REACH, REACH), (REACH, REACH))
        wrapped = np.pad(templates(problem), margins, mode="wrap")
        self._windows = np.lib.stride_tricks.sliding_window_view(wrapped, problem.shape[1:], axis=(2, 3))

    def chunk(self, chunk: int) -> Float:
        problem, count = self._problem, self._problem.chunk_samples
        draw = generator(problem.seed, Stream.CHUNK, chunk)
        pictures = draw.standard_normal((count, *problem.shape), dtype=np.float32)
        pictures *= np.float32(problem.noise)
        pictures += self._shifted(draw, labels(problem, chunk), draw.uniform(*GAIN, count))
        for _ in range(CLUTTER_PER_SAMPLE):
            which = draw.integers(problem.classes, problem.classes + BANK, count)
            pictures += self._shifted(draw, which, problem.noise * draw.standard_normal(count))
        return pictures

    def _shifted(
        self, draw: np.random.Generator, which: NDArray[np.integer], weights: NDArray[np.float64]
    ) -> NDArray[np.float32]:
        down, across = draw.integers(0, 2 * REACH + 1, (2, len(which)))
        fields = self._windows[which, :, down, across]
        fields *= weights.astype(np.float32)[:, None, None, None]
        return fields
