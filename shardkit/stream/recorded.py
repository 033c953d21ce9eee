"""What a manifest records of how a dataset was packed, as far as a stream needs it, checked before it is used.

A manifest from an untrusted source can record anything.
"""

from typing import TYPE_CHECKING, get_args

from shardkit.dataset import MANIFEST
from shardkit.errors import BadInput, Damaged
from shardkit.format.advice import advised
from shardkit.image.geometry import Fit
from shardkit.image.limits import MAX_SIDE
from shardkit.image.npy import TYPES, check_shape
from shardkit.stream.minutiae import Resized

if TYPE_CHECKING:
    from shardkit.format.opened import Dataset

_SIDES = (2, 3)
_FITS: dict[object, Fit] = {None: "pad", **{each: each for each in get_args(Fit)}}


def array_shape(dataset: "Dataset") -> tuple[int, ...] | None:
    """Return the sides of each array of a dataset of arrays; None where the dataset holds images."""
    found = dataset.manifest.options.get("shape")
    if found is None:
        return None
    if not isinstance(found, list) or not _are_sides(found):
        raise _damaged(dataset, f"options.shape must be the sides of an array, such as [3, 112, 112]; got {found!r}")
    return tuple(found)


def _are_sides(found: list[object]) -> bool:
    sides = tuple(each for each in found if type(each) is int and each > 0)
    if not len(sides) == len(found) in _SIDES:
        return False
    try:
        check_shape(sides, TYPES["|u1"])
    except BadInput:
        return False
    return True


def resized_by_pack(dataset: "Dataset") -> Resized | None:
    """Return how images were brought to a size when they were packed; None where nothing is recorded."""
    if not dataset.manifest.preparation:
        return None
    size, fit = (dataset.manifest.preparation.get(name) for name in ("size", "fit"))
    if size is not None and not (type(size) is int and 1 <= size <= MAX_SIDE):
        raise _damaged(dataset, f"preparation.size must be a number of pixels up to {MAX_SIDE:,}; got {size!r}")
    if not isinstance(fit, str | None) or fit not in _FITS:
        raise _damaged(dataset, f"preparation.fit must be one of {', '.join(get_args(Fit))}; got {fit!r}")
    return Resized(size, _FITS[fit])


def _damaged(dataset: "Dataset", what: str) -> Damaged:
    return Damaged(f"{dataset.folder / MANIFEST}: {what}. {advised('verify', dataset.folder)} checks the dataset.")
