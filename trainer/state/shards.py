"""Blocks of classes in a checkpoint: a file for each of the 64, whoever owned it, so that another world can share anew.

In memory a rank has its own blocks, under the names of its modules. `head-07` holds of every head the weight of block
7, its average, and what the optimiser keeps of it: `model.objective.classes.heads.0.weight`, say.
"""

from collections.abc import Callable, Iterator, Mapping

import torch
from torch import nn
from torch.nn import functional

from trainer.heads.blocks import BLOCKS, Block, blocks_in, bounds

Tensors = dict[str, torch.Tensor]
Kinds = dict[str, Tensors]
"""By what they are: model, ema, optimizer."""
Bring = Callable[[torch.Tensor], list[torch.Tensor]]
"""To rank 0 from all, in one shape; to the others nothing."""

_FILE = "head-"


class Shards:
    def __init__(self, network: nn.Module) -> None:
        self._blocks = blocks_in(network)

    def reads(self, file: str) -> bool:
        """Whether this rank needs a file of a checkpoint; it does not where others own what is in it."""
        return not file.startswith(_FILE) or file in {_file(block.number) for block in self._blocks.values()}

    def without(self, tensors: Tensors) -> Tensors:
        """What every rank has."""
        split = {f"{name}{rest}" for name in self._blocks for rest, _ in _of(name, tensors)}
        return {name: each for name, each in tensors.items() if name not in split}

    def brought(self, kinds: Kinds, bring: Bring) -> Kinds:
        """By file, on rank 0. All bring a block at a time, each the one at the same place among its own."""
        files: Kinds = {}
        for name, block in self._blocks.items():
            for kind, tensors in kinds.items():
                for rest, value in _of(name, tensors):
                    parts = bring(_padded(value, block.classes))
                    for rank, part in enumerate(parts):
                        number = block.number + rank * BLOCKS // len(parts)
                        cut = part[: _rows(number, block.classes)] if part.ndim else part
                        own = files.setdefault(_file(number), {})
                        own[f"{kind}.{_whole(name, block)}{rest}"] = cut.to("cpu", copy=True).contiguous()
        return files

    def own(self, files: Mapping[str, Tensors]) -> Kinds:
        """The blocks of this rank, under the names that they have here."""
        kinds: Kinds = {"model": {}, "ema": {}, "optimizer": {}}
        for name, block in self._blocks.items():
            for kind, tensors in kinds.items():
                found = _of(f"{kind}.{_whole(name, block)}", files[_file(block.number)])
                tensors.update({f"{name}{rest}": value for rest, value in found})
        return kinds


def _file(number: int) -> str:
    return f"{_FILE}{number:02}"


def _of(name: str, tensors: Mapping[str, torch.Tensor]) -> Iterator[tuple[str, torch.Tensor]]:
    """The tensor of this name, and those that belong to it, by what comes behind the name; in order."""
    for each in sorted(tensors):
        if each == name or each.startswith(f"{name}."):
            yield each.removeprefix(name), tensors[each]


def _whole(name: str, block: Block) -> str:
    """Of the weight that a head would have if it were not in blocks."""
    return name.replace(f".blocks.{block.number:02}.", ".")


def _rows(number: int, classes: int) -> int:
    first, behind = bounds(number, classes)
    return behind - first


def _padded(value: torch.Tensor, classes: int) -> torch.Tensor:
    """As long as the longest block; a single figure stays."""
    if not value.ndim:
        return value
    return functional.pad(value.detach(), (0, 0, 0, -(-classes // BLOCKS) - len(value)))
