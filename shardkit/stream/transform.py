"""A user's own work on each image, on the threads that decode, with chance that is the same whenever it is repeated."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from shardkit.errors import UsageError

SampleTransform = Callable[[NDArray[Any], np.random.Generator], NDArray[Any]]
"""Takes an image as it lies in memory (H x W, or H x W x C), and chance of its own; gives an array of any shape."""


def chance(seed: int, epoch: int, number: int) -> np.random.Generator:
    """Of one sample in one epoch, whatever the rank, the batch or the thread."""
    return np.random.default_rng((seed, epoch, number))


def array_given(given: object) -> NDArray[Any]:
    """Return what a transform gave, as an array that torch can take."""
    try:
        array = np.asarray(given)
        torch.from_numpy(np.empty(0, array.dtype))
    except (TypeError, ValueError):
        said = f"an array of {given.dtype}" if isinstance(given, np.ndarray) else f"{type(given).__name__}"
        raise UsageError(f"transform= must give an array of numbers for each image; got {said}.") from None
    return array


def as_list(transformed: Mapping[int, NDArray[Any]], count: int) -> list[torch.Tensor]:
    """Return each array by its line, and black where a line has none."""
    black = np.zeros_like(next(iter(transformed.values()), np.zeros((1, 1, 1), np.uint8)))
    return [torch.from_numpy(np.array(transformed.get(line, black), order="C")) for line in range(count)]


def as_tensor(
    transformed: Mapping[int, NDArray[Any]], count: int, like: Callable[[], NDArray[Any]], key_of: Callable[[int], str]
) -> torch.Tensor:
    """Return all arrays as one tensor, black in lines that have none; `like` gives one where no line has any."""
    first = min(transformed, default=0)
    black = np.zeros_like(transformed[first] if transformed else like())
    for line, array in sorted(transformed.items()):
        if array.shape != black.shape:
            raise UsageError(
                f"transform= gave arrays of different shapes in a batch: {key_of(first)} is {_said(black)}, "
                f"{key_of(line)} is {_said(array)}. Give all the same shape, or say as_list=True to get each by itself."
            )
    return torch.from_numpy(np.stack([transformed.get(line, black) for line in range(count)]))


def _said(array: NDArray[Any]) -> str:
    return f"{' x '.join(map(str, array.shape))} of {array.dtype}"
