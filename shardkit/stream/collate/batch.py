"""Batch of a stream: a rank's slice of a global batch, in tensors.

A batch can go to another process, into pinned memory and to a device, as one object. Its memory is reused once no
reference to any of its tensors is left.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import cast

import torch

from shardkit.stream.checkpoint import StateAt
from shardkit.stream.options import State

_Move = Callable[[torch.Tensor], torch.Tensor]


@dataclass(frozen=True)
class Minutiae:
    """`points` is B x M x 3 (x, y, theta), zeros behind each sample's own; `counts` says how many are its own."""

    points: torch.Tensor
    counts: torch.Tensor


class Batch:
    """`images` is B x C x H x W, or a list of C x H x W where sizes may differ.

    A slot without a sample is not `valid`: its image is black, its label -1 and its key empty.
    """

    __slots__ = ("_keys", "_state", "images", "labels", "mated", "minutiae", "numbers", "valid")

    def __init__(
        self,
        *,
        images: "torch.Tensor | list[torch.Tensor]",
        labels: torch.Tensor,
        numbers: torch.Tensor,
        valid: torch.Tensor,
        minutiae: Minutiae | None,
        mated: torch.Tensor | None,
        keys: "list[str] | Callable[[], list[str]]",
        state: "State | Callable[[], State]",
    ) -> None:
        self.images, self.labels, self.numbers, self.valid = images, labels, numbers, valid
        self.minutiae, self.mated = minutiae, mated
        self._keys, self._state = keys, state

    def __len__(self) -> int:
        return len(self.labels)

    def __repr__(self) -> str:
        of = "mixed sizes" if isinstance(self.images, list) else " x ".join(map(str, self.images.shape[1:]))
        return f"<batch of {len(self)}: {of}>"

    @property
    def keys(self) -> list[str]:
        """Made when they are asked for: most batches are trained on without."""
        if callable(self._keys):
            self._keys = self._keys()
        return self._keys

    @property
    def state(self) -> State:
        """Where the stream stands behind this batch: what to save in a checkpoint."""
        if callable(self._state):
            self._state = self._state()
        return self._state

    @property
    def nbytes(self) -> int:
        """Of its images."""
        return sum(each.nbytes for each in (self.images if isinstance(self.images, list) else [self.images]))

    def at(self, state: "State | Callable[[], State]") -> "Batch":
        """A copy of the same samples at another place of the stream."""
        same = self.copy()
        same._state = state  # noqa: SLF001 - of its own kind
        return same

    def copy(self) -> "Batch":
        """Return a batch with memory of its own, pinned where this one is."""
        return self._moved(lambda tensor: torch.empty_like(tensor, pin_memory=tensor.is_pinned()).copy_(tensor))

    def pin_memory(self) -> "Batch":
        return self._moved(lambda tensor: tensor.pin_memory())

    def to(self, device: "torch.device | str", *, non_blocking: bool = True) -> "Batch":
        return self._moved(lambda tensor: tensor.to(device, non_blocking=non_blocking))

    def _moved(self, move: _Move) -> "Batch":
        images = [move(each) for each in self.images] if isinstance(self.images, list) else move(self.images)
        points = self.minutiae and replace(
            self.minutiae, points=move(self.minutiae.points), counts=move(self.minutiae.counts)
        )
        return Batch(
            images=images,
            labels=move(self.labels),
            numbers=move(self.numbers),
            valid=move(self.valid),
            minutiae=points,
            mated=None if self.mated is None else move(self.mated),
            keys=self._keys,
            state=self._state,
        )

    def __getstate__(self) -> Mapping[str, object]:
        state = self._state if isinstance(self._state, StateAt) else self.state
        names = ("images", "labels", "numbers", "valid", "minutiae", "mated")
        return {**{name: getattr(self, name) for name in names}, "_keys": self.keys, "_state": state}

    def __setstate__(self, state: Mapping[str, object]) -> None:
        for name, value in cast("dict[str, object]", state).items():
            setattr(self, name, value)
