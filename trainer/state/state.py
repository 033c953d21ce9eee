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


@dataclass
class State:
    network: Network
    optimizer: torch.optim.Optimizer
    ema: Ema | None = None
    scaler: Scaler | None = None
    progress: Progress = field(default_factory=Progress)

    def tensors(self, *, leads: bool) -> dict[str, Tensors]:
        """A snapshot that training does not touch any more. All ranks call it; rank 0 gets what is written."""
        optimizer = optimizer_tensors(self.optimizer, self.network, leads=leads)
        if not leads:
            return {}
        whole: dict[str, Tensors] = {"model": self.network.state_dict(), "optimizer": optimizer}
        if self.ema:
            whole["ema"] = self.ema.tensors
        return {name: _copied(each) for name, each in whole.items()}

    def facts(self) -> dict[str, Any]:
        scaler = self.scaler and {"scale": self.scaler.scale, "clean": self.scaler.clean}
        return {"progress": self.progress.as_json(), "scaler": scaler}

    def load(self, tensors: Mapping[str, Tensors], facts: Mapping[str, Any]) -> None:
        self.network.load_state_dict(tensors["model"])
        load_optimizer(self.optimizer, self.network, tensors["optimizer"])
        if self.ema:
            for name, value in tensors["ema"].items():
                self.ema.tensors[name].copy_(value)
        if self.scaler:
            self.scaler.scale, self.scaler.clean = facts["scaler"]["scale"], facts["scaler"]["clean"]
        self.progress = Progress(**facts["progress"])


def _copied(tensors: Tensors) -> Tensors:
    return {name: each.detach().to("cpu", copy=True).contiguous() for name, each in tensors.items()}
