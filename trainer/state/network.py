"""What learns: a backbone in the precision that was asked for, a head and a loss in fp32."""

import torch
from torch import nn

from trainer.models.memory import kept_on_cpu


class Network(nn.Module):
    def __init__(
        self, backbone: nn.Module, head: nn.Module, loss: nn.Module, *, dtype: torch.dtype | None, offload: bool
    ) -> None:
        super().__init__()
        self.backbone, self.head, self.loss = backbone, head, loss
        self._dtype, self._offload = dtype, offload

    def forward(self, images: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        with kept_on_cpu(self._offload):
            embeddings = self.embed(images)
            with torch.autocast(images.device.type, enabled=False):
                return self.loss(self.head(embeddings, labels), labels)  # type: ignore[no-any-return]  # nn.Module says Any

    def embed(self, images: torch.Tensor) -> torch.Tensor:
        with torch.autocast(images.device.type, self._dtype, enabled=self._dtype is not None):
            embeddings: torch.Tensor = self.backbone(images)
        return embeddings.float()
