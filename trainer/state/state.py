"""All that a run is at a step, to and from named tensors and JSON. Names never say how the network was wrapped."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import torch

from trainer.optim.ema import Ema
from trainer.optim.scaler import Scaler
from trainer.state.named import Tensors, load_optimizer, optimizer_tensors
from trainer.state.network import Network
from trainer.state.progress import Progress
from trainer.state.shards import Bring, Shards


@dataclass
class State:
    network: Network
    optimizer: torch.optim.Optimizer
    ema: Ema | None = None
    scaler: Scaler | None = None
    progress: Progress = field(default_factory=Progress)
    bring: Bring = field(default=lambda value: [value])
    """How what lies on one rank each comes to rank 0."""

    def tensors(self, *, leads: bool) -> dict[str, Tensors]:
        """A snapshot that training does not touch any more. All ranks call it; rank 0 gets what is written."""
        optimizer = optimizer_tensors(self.optimizer, self.network, leads=leads)
        whole: dict[str, Tensors] = {"model": self.network.state_dict(), "optimizer": optimizer}
        if self.ema:
            whole["ema"] = self.ema.tensors
        shards = Shards(self.network)
        files = shards.brought(whole, self.bring)
        if not leads:
            return {}
        return {**{name: _copied(shards.without(each)) for name, each in whole.items()}, **files}

    def facts(self) -> dict[str, Any]:
        scaler = self.scaler and {"scale": self.scaler.scale, "clean": self.scaler.clean}
        return {"progress": self.progress.as_json(), "scaler": scaler}

    def reads(self, file: str) -> bool:
        """Whether `load` needs it."""
        return Shards(self.network).reads(file)

    def load(self, tensors: Mapping[str, Tensors], facts: Mapping[str, Any]) -> None:
        """Of the files of a checkpoint those that this rank `reads`."""
        own = Shards(self.network).own(tensors)
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
