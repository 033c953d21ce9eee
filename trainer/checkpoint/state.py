"""Training state to and from named tensors and JSON: weights, optimizer, average, progress, blocks of classes.

Names are those of the parameters, whatever wraps the network and whichever rank holds them. A head that is spread over
ranks is stored as 64 files, one per block of classes, so that any number of ranks can load it. `head-07` holds block 7
of every head: weight, average and optimizer state, as `model.objective.classes.heads.0.weight`.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from itertools import chain
from math import isfinite, nan
from typing import Any

import torch
from torch import nn
from torch.nn import functional

from trainer.heads.partial_fc import BLOCKS, Block, block_bounds, find_blocks
from trainer.network import Network
from trainer.optim import Ema, LossScaler

Tensors = dict[str, torch.Tensor]


def optimizer_tensors(optimizer: torch.optim.Optimizer, network: nn.Module, *, leads: bool) -> Tensors:
    """`<parameter>.<what>`, of this rank's parameters; ranks that share the state bring it to rank 0, so all must call
    this.
    """
    if hasattr(optimizer, "consolidate_state_dict"):
        optimizer.consolidate_state_dict(to=0)
        if not leads:
            return {}
    names, state = _names(optimizer, network), optimizer.state_dict()["state"]
    return {f"{names[number]}.{what}": value for number, each in state.items() for what, value in each.items()}


def load_optimizer(optimizer: torch.optim.Optimizer, network: nn.Module, tensors: Mapping[str, torch.Tensor]) -> None:
    numbers = {name: number for number, name in enumerate(_names(optimizer, network))}
    parameters, state = dict(network.named_parameters()), dict[int, dict[str, Any]]()
    for name, value in tensors.items():
        parameter, _, what = name.rpartition(".")
        state.setdefault(numbers[parameter], {})[what] = _laid_out_like(parameters[parameter], value)
    optimizer.load_state_dict({"state": state, "param_groups": _groups(optimizer)})


def _laid_out_like(parameter: torch.Tensor, value: torch.Tensor) -> torch.Tensor:
    """In the parameter's own memory format, channels innermost perhaps: other strides are other kernels and bits."""
    return torch.empty_like(parameter, dtype=value.dtype).copy_(value) if value.shape == parameter.shape else value


def _names(optimizer: torch.optim.Optimizer, network: nn.Module) -> list[str]:
    """In the optimiser's order."""
    names = {parameter: name for name, parameter in network.named_parameters()}
    return [names[each] for each in chain.from_iterable(group["params"] for group in optimizer.param_groups)]


def _groups(optimizer: torch.optim.Optimizer) -> list[dict[str, Any]]:
    groups, first = [], 0
    for group in optimizer.param_groups:
        after = first + len(group["params"])
        groups.append({**group, "params": list(range(first, after))})
        first = after
    return groups


@dataclass
class Progress:
    step: int = 0
    """Rows done."""
    skipped: int = 0
    """Updates that an fp16 overflow left out."""
    skipped_in_a_row: int = 0
    losses: float = 0.0
    """Summed since the last record, over `counted` rows: a resumed run records what a straight one would."""
    counted: int = 0
    validated: int = -1
    """The step of the last validation; below 0, there was none."""
    best: dict[str, float] = field(default_factory=dict)
    """The least error, by the kind of validation: kinds are never compared with each other."""
    best_step: int = 0
    """Of the full validation that was best."""
    stale: int = 0
    """Validations of the routine kind since the best of them."""

    def took(self, loss: float, *, applied: bool) -> None:
        self.step += 1
        if isfinite(loss):  # one that an overflow of fp16 left out may be none
            self.losses += loss
            self.counted += 1
        self.skipped += not applied
        self.skipped_in_a_row = 0 if applied else self.skipped_in_a_row + 1

    def mean_loss(self) -> float:
        """Since the last call."""
        mean = self.losses / self.counted if self.counted else nan
        self.losses, self.counted = 0.0, 0
        return mean

    def judged(self, kind: str, error: float, *, routine: bool) -> bool:
        """Whether it is better than any of its kind before."""
        better = self.is_best(kind, error)
        if better:
            self.best[kind] = error
        if better and kind == "full":
            self.best_step = self.step
        if routine:
            self.stale = 0 if better else self.stale + 1
        return better

    def is_best(self, kind: str, error: float | None) -> bool:
        return error is not None and error < self.best.get(kind, float("inf"))

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


TensorGroups = dict[str, Tensors]
"""By what they are: model, ema, optimizer."""

GatherToMain = Callable[[torch.Tensor], list[torch.Tensor]]
"""To rank 0 from all, in one shape; to the others nothing."""

_FILE = "head-"


class HeadBlocksIO:
    def __init__(self, network: nn.Module) -> None:
        self._blocks = find_blocks(network)

    def reads(self, file: str) -> bool:
        """Whether this rank needs a file of a checkpoint; it does not where others own what is in it."""
        return not file.startswith(_FILE) or file in {_file(block.number) for block in self._blocks.values()}

    def without(self, tensors: Tensors) -> Tensors:
        """What every rank has."""
        split = {f"{name}{rest}" for name in self._blocks for rest, _ in _of(name, tensors)}
        return {name: each for name, each in tensors.items() if name not in split}

    def brought(self, kinds: TensorGroups, bring: GatherToMain) -> TensorGroups:
        """By file, on rank 0. All bring a block at a time, each the one at the same place among its own."""
        files: TensorGroups = {}
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

    def own(self, files: Mapping[str, Tensors]) -> TensorGroups:
        """The blocks of this rank, under the names that they have here."""
        kinds: TensorGroups = {"model": {}, "ema": {}, "optimizer": {}}
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
    first, behind = block_bounds(number, classes)
    return behind - first


def _padded(value: torch.Tensor, classes: int) -> torch.Tensor:
    """As long as the longest block; a single figure stays."""
    if not value.ndim:
        return value
    return functional.pad(value.detach(), (0, 0, 0, -(-classes // BLOCKS) - len(value)))


@dataclass
class State:
    network: Network
    optimizer: torch.optim.Optimizer
    ema: Ema | None = None
    scaler: LossScaler | None = None
    progress: Progress = field(default_factory=Progress)
    bring: GatherToMain = field(default=lambda value: [value])
    """How what lies on one rank each comes to rank 0."""

    def tensors(self, *, leads: bool) -> dict[str, Tensors]:
        """A snapshot that training does not touch any more. All ranks call it; rank 0 gets what is written."""
        optimizer = optimizer_tensors(self.optimizer, self.network, leads=leads)
        whole: dict[str, Tensors] = {"model": self.network.state_dict(), "optimizer": optimizer}
        if self.ema:
            whole["ema"] = self.ema.tensors
        shards = HeadBlocksIO(self.network)
        files = shards.brought(whole, self.bring)
        if not leads:
            return {}
        return {**{name: _copied(shards.without(each)) for name, each in whole.items()}, **files}

    def facts(self) -> dict[str, Any]:
        scaler = self.scaler and {"scale": self.scaler.scale, "clean": self.scaler.clean}
        return {"progress": self.progress.as_json(), "scaler": scaler}

    def reads(self, file: str) -> bool:
        """Whether `load` needs it."""
        return HeadBlocksIO(self.network).reads(file)

    def load(self, tensors: Mapping[str, Tensors], facts: Mapping[str, Any]) -> None:
        """Of the files of a checkpoint those that this rank `reads`."""
        own = HeadBlocksIO(self.network).own(tensors)
        self.network.load_state_dict({**tensors["model"], **own["model"]})
        load_optimizer(self.optimizer, self.network, {**tensors["optimizer"], **own["optimizer"]})
        if self.ema:
            for name, value in {**tensors["ema"], **own["ema"]}.items():
                self.ema.tensors[name].copy_(value)
        if self.scaler:
            self.scaler.scale, self.scaler.clean = facts["scaler"]["scale"], facts["scaler"]["clean"]
        self.progress = Progress(**facts["progress"])


def _copied(tensors: Tensors) -> Tensors:
    return {name: each.detach().to("cpu", copy=True).contiguous() for name, each in tensors.items()}
