"""Whether two sets of tensors are the same bits, and which is the first that is not."""

from collections.abc import Mapping

import torch
from blake3 import blake3

Tensors = Mapping[str, torch.Tensor]


def first_difference(one: Tensors, other: Tensors) -> str:
    """Nothing where there is none."""
    if alone := sorted(one.keys() ^ other.keys()):
        return f"only one of them has {alone[0]}"
    differing = [name for name in sorted(one) if not _alike(one[name], other[name])]
    if not differing:
        return ""
    name = differing[0]
    return f"{len(differing)} of {len(one)} tensors differ, first {name}, {_how_far(one[name], other[name])}"


def digest(tensors: Tensors) -> str:
    hasher = blake3()
    for name in sorted(tensors):
        hasher.update(f"{name} {tensors[name].dtype} {tuple(tensors[name].shape)}".encode())
        hasher.update(_bits(tensors[name]).numpy().data)
    return hasher.hexdigest()[:32]


def _alike(one: torch.Tensor, other: torch.Tensor) -> bool:
    return one.shape == other.shape and one.dtype == other.dtype and torch.equal(_bits(one), _bits(other))


def _bits(tensor: torch.Tensor) -> torch.Tensor:
    """As bytes, in which a NaN is like itself, and 0 is not like -0."""
    return tensor.contiguous().flatten().view(torch.uint8)


def _how_far(one: torch.Tensor, other: torch.Tensor) -> str:
    if one.shape != other.shape:
        return f"of shape {tuple(one.shape)} and {tuple(other.shape)}"
    return f"by {(one.double() - other.double()).abs().max().item():g} at most"
