"""Decoder of a stream: shape and type of the slot that an image takes, and its conversion on the way there.

Most datasets are packed as they are trained on. Then nothing is converted, and images are decoded straight into the
batch. All slots of a batch are alike, since a tensor has one shape.
"""

import math
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from shardkit.errors import BadInput, Damaged, UsageError
from shardkit.image.arrays import Values
from shardkit.image.codec import decode
from shardkit.image.color import Color, convert
from shardkit.image.geometry import Fit, Geometry
from shardkit.stream.read.sample_index import EMPTY_SLOT, Field, ImageKind, IndexRows, IntArray, SampleIndex, slot_key

_TYPES: dict[int, np.dtype[Any]] = {16: np.dtype("<u2"), 32: np.dtype("<f4")}

_BYTES: np.dtype[Any] = np.dtype("u1")

_RGB = 3

_BITS = 8


class SlotSpec(NamedTuple):
    """Rows x columns, or rows x columns x channels; of arrays whatever sides they came with."""

    shape: tuple[int, ...]
    type: np.dtype[Any]

    def __str__(self) -> str:
        return f"{' x '.join(map(str, self.shape))} of {self.type}"

    @property
    def nbytes(self) -> int:
        return math.prod(self.shape) * self.type.itemsize


@dataclass(frozen=True)
class Decoder:
    color: Color = "keep"
    size: int | None = None
    fit: Fit = "pad"
    sides: tuple[int, ...] | None = None
    """Of a dataset of arrays: their shape, in which channels come first."""

    def __post_init__(self) -> None:
        if self.sides is not None and (self.size, self.color) != (None, "keep"):
            raise UsageError("This dataset holds arrays, which come as they went in: size= and color= are of pictures.")

    def is_passthrough(self, kind: ImageKind) -> bool:
        """Whether nothing is to be done."""
        stored = kind.height and kind.width and self.size in (None, *({kind.height} & {kind.width}))
        plain = kind.bit_depth <= _BITS and kind.channels == (_RGB if self.color == "rgb" else 1)
        return bool(stored) and (self.color == "keep" or plain)

    def slot_spec(self, kind: ImageKind) -> SlotSpec:
        """What an image of a kind takes."""
        if self.sides is not None:
            return SlotSpec(self.sides, _TYPES.get(kind.bit_depth, _BYTES))
        height, width = (self.size, self.size) if self.size is not None else (kind.height, kind.width)
        channels = {"gray": 1, "rgb": _RGB, "keep": kind.channels}[self.color]
        if min(kind.height, kind.width, kind.channels) < 0:
            raise Damaged(
                f"The index gives a .{kind.ext} {kind.height} x {kind.width} pixels of {kind.channels} channels, and "
                "none of these can be below 0. `shardkit verify` checks the dataset."
            )
        if not (height and width and channels):
            raise UsageError(f"A .{kind.ext} does not say how large it is before it is decoded: give size= and color=.")
        shape = (height, width) if channels == 1 else (height, width, channels)
        return SlotSpec(shape, _TYPES.get(kind.bit_depth, _BYTES) if self.color == "keep" else _BYTES)

    def decode(self, extension: str, payload: memoryview) -> Values:
        """The image as it is served, as an array of its own."""
        values = decode(extension, payload)
        if self.sides is not None:
            return values
        if not np.issubdtype(values.dtype, np.unsignedinteger):
            if self == Decoder():
                return values
            raise BadInput("no-picture", "numbers with fractions are no picture: no color= or size= fits them.")
        pixels = convert(values, self.color)  # type: ignore[arg-type]  # just looked at
        return Geometry(pixels.shape[1], pixels.shape[0], 1, self.size, self.fit).apply(pixels)

    @property
    def channels_first(self) -> bool:
        return self.sides is not None and len(self.sides) > 2  # noqa: PLR2004 - rows, columns


def common_slot_spec(found: IndexRows, lookup: SampleIndex, serving: Decoder) -> SlotSpec:
    """That of all images of a row; an error names two that differ."""
    kinds = found.figures[:, Field.KIND]
    if (found.numbers != EMPTY_SLOT).all() and (kinds == kinds[0]).all():  # nearly always, and told at once
        return serving.slot_spec(lookup.kinds.met[kinds[0]])
    present = np.flatnonzero(found.numbers != EMPTY_SLOT)
    if not len(present):  # a rank may have none of the last few samples
        return common_slot_spec(lookup.rows(np.zeros(1, np.int64)), lookup, serving)
    return _only_spec(found, present, lookup, serving)


def _only_spec(found: IndexRows, present: IntArray, lookup: SampleIndex, serving: Decoder) -> SlotSpec:
    kinds, first = np.unique(found.figures[present, Field.KIND], return_index=True)
    slots = {
        serving.slot_spec(lookup.kinds.met[kind]): int(line) for kind, line in zip(kinds, present[first], strict=True)
    }
    if len(slots) > 1:
        told = [f"{slot_key(found, line)} is {slot}" for slot, line in list(slots.items())[:2]]
        raise UsageError(
            f"The images of a batch differ: {told[0]}, {told[1]}. Say size= (and fit=) to bring them to one size, "
            "color= to bring them to one colour, or as_list=True to get each as a tensor of its own."
        )
    return next(iter(slots))
