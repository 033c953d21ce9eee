"""Weights & Biases, offline: files in `RUN/wandb`. Nothing leaves the machine: `wandb sync` is for people to call."""

from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from typing import Any

_STEP = "step"
"""The axis of every curve. W&B's own counter would start again with each resume, and never goes back."""


class Wandb:
    def __init__(self, folder: Path, _: int) -> None:
        """Every start is a run of its own there, in the group of the run folder."""
        library: Any = import_module("wandb")
        self._run: Any = library.init(
            project="trainer",
            group=folder.absolute().name,
            dir=str(folder),
            mode="offline",
            settings=library.Settings(console="off"),
        )
        self._run.define_metric("*", step_metric=_STEP)

    def write(self, step: int, scalars: Mapping[str, float]) -> None:
        self._run.log({_STEP: step, **scalars})

    def close(self) -> None:
        self._run.finish()
