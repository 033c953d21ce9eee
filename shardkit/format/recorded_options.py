"""Options that hold for all generations of a dataset, checked when they are read: codec, preparation, splitting.

Unknown names are ignored: a later minor version may add some. A command that packs by the options needs all of them,
and `pack/options.py` checks that.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from math import prod
from typing import Any, Literal, Protocol

from shardkit.format.json_values import decode_value
from shardkit.schema import LARGEST_SIDE, LARGEST_UNPACKED

Codec = Literal["png", "zstd", "lz4", "raw"]
Color = Literal["gray", "rgb", "keep"]
Fit = Literal["pad", "crop", "stretch"]
Enhance = Literal["gabor"]

_LARGEST_PICTURE = 1 << 16
_LONGEST_HEAD = 2 * ((1 << 16) + 16)
"""Hexadecimal digits of the longest header of an `.npy` file of version 1.0."""
_BYTES = {"|u1": 1, "<u2": 2, "<f4": 4}
_PLACE = re.compile("[0-9a-f]{16}")
_ARRAYS = re.compile(r"images\.(bin|npy) labels\.(bin|npy)")


class DatasetTerms(Protocol):
    """What holds for all generations: as a manifest has it, or a plan."""

    @property
    def options(self) -> Mapping[str, Any]: ...
    @property
    def codec(self) -> str: ...
    @property
    def choice(self) -> str: ...
    @property
    def preparation(self) -> Mapping[str, Any]: ...
    @property
    def splitting(self) -> Mapping[str, Any]: ...


@dataclass(frozen=True)
class RecordedArrays:
    images: str
    labels: str
    samples: int
    type: Literal["|u1", "<u2", "<f4"]
    label_type: Literal["|u1", "|i1", "<u2", "<i2", "<u4", "<i4", "<i8"]
    images_head: str
    labels_head: str


@dataclass(frozen=True)
class RecordedThresholds:
    names: tuple[str, ...]
    below: tuple[str, ...]


OPTION_TYPES: Mapping[str, Any] = {
    "layout": str | None,
    "splits": str,
    "files": str | None,
    "groups": str | None,
    "exclude": str | None,
    "codec": Codec | Literal["auto"],
    "color": Color,
    "size": int | None,
    "fit": Fit,
    "enhance": Enhance | None,
    "shard_size": int,
    "check": Literal["header", "decode"],
    "sha256": bool,
    "shape": tuple[int, ...] | None,
    "arrays": RecordedArrays | None,
    # Of adopted tars.
    "adopted": bool,
    "key": str | None,
    "label_field": str,
    "split": str,
}
_PREPARATION = {"color": Color, "size": int | None, "fit": Fit | None, "enhance": Enhance | None}
_SPLITTING = {"thresholds": RecordedThresholds, "by": Literal["sample"], "listed": bool}


def check_terms(terms: DatasetTerms) -> None:
    """Raise ValueError if something has another type or value than any version writes."""
    decode_value(terms.codec, Codec | Literal["as found"])
    options = _decode_values("options", terms.options, OPTION_TYPES)
    _check_size(options.get("size"))
    _check_arrays(options.get("shape"), options.get("arrays"))
    if options.get("shard_size") == 0:
        raise ValueError("options: 'shard_size' is 0, expected 1 at least")
    _check_size(_decode_values("preparation", terms.preparation, _PREPARATION).get("size"))
    _check_thresholds(_decode_values("splitting", terms.splitting, _SPLITTING).get("thresholds"))


def _decode_values(what: str, values: Mapping[str, Any], types: Mapping[str, Any]) -> dict[str, Any]:
    checked = {}
    for name in values.keys() & types.keys():
        try:
            checked[name] = decode_value(values[name], types[name])
        except ValueError as error:
            raise ValueError(f"{what}: {name!r} is not valid: {error}") from error
    return checked


def _check_size(size: int | None) -> None:
    if size is not None and not 1 <= size <= _LARGEST_PICTURE:
        raise ValueError(f"'size' is {size:,}, expected 1 to {_LARGEST_PICTURE:,}")


def _check_arrays(shape: tuple[int, ...] | None, arrays: RecordedArrays | None) -> None:
    if (shape is None) != (arrays is None):
        raise ValueError("options: expected 'shape' and 'arrays' together or neither")
    if shape is None or arrays is None:
        return
    fits = len(shape) in (2, 3) and all(1 <= side <= LARGEST_SIDE for side in shape)
    if not fits or prod(shape) * _BYTES[arrays.type] > LARGEST_UNPACKED:
        raise ValueError(f"options: 'shape' is {shape!r:.80}, expected 2 or 3 sides of a sample that fits into memory")
    if not _ARRAYS.fullmatch(f"{arrays.images} {arrays.labels}"):
        raise ValueError(f"options: the files of arrays are {arrays.images!a:.80} and {arrays.labels!a:.80}")
    for head in (arrays.images_head, arrays.labels_head):
        if len(head) > _LONGEST_HEAD or bytes.fromhex(head).hex() != head:
            raise ValueError(f"options: {head!a:.80} is not the head of an .npy file in hexadecimal digits")


def _check_thresholds(thresholds: RecordedThresholds | None) -> None:
    if thresholds is None:
        return
    below, names = thresholds.below, thresholds.names
    ascending = all(first <= second for first, second in pairwise(below))
    if len(names) != len(below) + 1 or len(set(names)) < len(names) or not ascending:
        raise ValueError("splitting: expected one ascending threshold between two names")
    if not all(_PLACE.fullmatch(each) for each in below):
        raise ValueError("splitting: a threshold has 16 hexadecimal digits")
