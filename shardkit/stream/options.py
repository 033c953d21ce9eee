"""Options of a stream, checked before anything is opened: decoding and speed.

The options of the order are in `order/options.py`.
"""

from collections.abc import Callable
from dataclasses import dataclass
from difflib import get_close_matches
from numbers import Real
from operator import index
from pathlib import Path
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from shardkit.errors import UsageError
from shardkit.image.color import Color
from shardkit.image.geometry import Fit
from shardkit.stream.order.epoch import Rank

State = dict[str, Any]

OnBad = Literal["raise", "substitute"]

SampleTransform = Callable[[NDArray[Any], np.random.Generator], NDArray[Any]]
"""Takes an image as it lies in memory (H x W, or H x W x C), and chance of its own; gives an array of any shape."""

_CHOICES = {
    "color": ("keep", "gray", "rgb"),
    "fit": ("pad", "crop", "stretch"),
    "on_bad": ("raise", "substitute"),
    "tail": ("drop", "wrap", "mask"),
    "sampler": ("uniform", "balanced", "pk", "pairs"),
}

_LARGEST_SIDE = 1 << 14


@dataclass(frozen=True)
class DecodeOptions:
    """What is done to samples on their way into a batch. None of it changes which samples come, or when."""

    color: Color = "keep"
    size: int | None = None
    fit: Fit = "pad"
    as_list: bool = False
    minutiae: bool = False
    transform: SampleTransform | None = None
    on_bad: OnBad = "raise"
    check: bool = True
    cache: bool = False

    def __post_init__(self) -> None:
        for name in ("color", "fit", "on_bad"):
            check_choice(name, getattr(self, name))
        if self.size is not None and not 1 <= self.size <= _LARGEST_SIDE:
            raise UsageError(f"size={self.size}: a side has 1 to {_LARGEST_SIDE:,} pixels.")


@dataclass(frozen=True)
class LoaderOptions:
    """How fast batches come; None is found out."""

    threads: int | None = None
    ahead: int = 4
    pin_memory: bool | None = None

    def __post_init__(self) -> None:
        for name in ("threads", "ahead"):
            value = getattr(self, name)
            if value is not None and value < 1:
                raise UsageError(f"{name}={value}: at least one is needed.")


def resolve_global_batch(batch_size: int | None, global_batch: int | None, rank: Rank) -> int:
    """Samples in a row: what is asked for, or the batch of a rank times the ranks."""
    if batch_size is not None and global_batch is not None:
        raise UsageError("Say batch_size= (of a rank) or global_batch= (of all ranks together), not both.")
    asked = batch_size if batch_size is not None else global_batch
    if asked is not None and asked < 1:
        raise UsageError(f"A batch has at least one sample, not {asked}.")
    return global_batch if global_batch is not None else (batch_size or 64) * rank.world_size


class ArgumentType(NamedTuple):
    """A type of arguments, in words, and the test for it."""

    what: str
    fits: Callable[[object], bool]


def _is_whole(value: object) -> bool:
    try:
        index(value)  # type: ignore[arg-type]  # that is the question
    except TypeError:
        return False
    return True


def _is_share(value: object) -> bool:
    return isinstance(value, Real) and not isinstance(value, bool)


INTEGER = ArgumentType("a whole number", _is_whole)

FRACTION = ArgumentType("a number from 0 to 1", _is_share)

BOOLEAN = ArgumentType("True or False", lambda value: isinstance(value, bool | np.bool_))

FUNCTION = ArgumentType("a function", callable)

TEXT = ArgumentType("text", lambda value: isinstance(value, str))

PATH = ArgumentType("a path", lambda value: isinstance(value, str | Path))


def check_arguments(expected: ArgumentType, **asked: object) -> None:
    """What is typed otherwise would fail somewhere below, or, worse, not at all."""
    for name, value in asked.items():
        if not expected.fits(value):
            raise UsageError(f"{name}={value!r}: {expected.what} is needed.")


def check_optional_arguments(expected: ArgumentType, **asked: object) -> None:
    check_arguments(expected, **{name: value for name, value in asked.items() if value is not None})


def check_choice(name: str, value: object) -> None:
    choices = _CHOICES[name]
    if isinstance(value, str) and value in choices:
        return
    near = get_close_matches(str(value), choices, n=1)
    meant = f" Did you mean {near[0]!r}?" if near else ""
    raise UsageError(f"{name}={value!r} is none of {', '.join(map(repr, choices))}.{meant}")


@dataclass(frozen=True)
class Prefetch:
    """How many threads fill batches, and how many batches are under way."""

    threads: int
    ahead: int
    by_block: bool
    """Whether the disk is asked for whole blocks ahead, since memory can hold them, or for the next rows alone."""
