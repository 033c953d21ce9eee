"""What learns: a backbone in the precision that was asked for, and an objective in fp32."""

from collections.abc import Callable

import torch
from torch import nn

from trainer.models.features import Features
from trainer.models.memory import kept_on_cpu
from trainer.state.objective import Objective, Targets


class Network(nn.Module):
    _learnt_from: Callable[[torch.Tensor], Features] | None

    def __init__(
        self, backbone: nn.Module, objective: Objective, *, dtype: torch.dtype | None, offload: bool = False
    ) -> None:
        super().__init__()
        self.backbone, self.objective = backbone, objective
        self._dtype, self._offload = dtype, offload
        self._learnt_from = None

    def forward(self, images: torch.Tensor, targets: Targets) -> torch.Tensor:
        """The terms of the loss."""
        with kept_on_cpu(self._offload):
            features = (self._learnt_from or self.features)(images)
            with torch.autocast(images.device.type, enabled=False):
                return self.objective(features, targets)  # type: ignore[no-any-return]  # nn.Module says Any

    def compile_backbone(self) -> None:
        """And not the objective, which may exchange between ranks."""
        self._learnt_from = torch.compile(self.features)

    def features(self, images: torch.Tensor) -> Features:
        with torch.autocast(images.device.type, self._dtype, enabled=self._dtype is not None):
            seen: Features = self.backbone(images)
        return Features(tuple(part.float() for part in seen.parts), _float(seen.again), _float(seen.minutiae))

    def embed(self, images: torch.Tensor) -> torch.Tensor:
        return self.features(images).vector


def _float(values: torch.Tensor | None) -> torch.Tensor | None:
    return None if values is None else values.float()
