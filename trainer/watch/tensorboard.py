"""TensorBoard's event files, in `RUN/tensorboard`, flushed at each record: what a kill takes would never come again."""

from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from typing import Any

FOLDER = "tensorboard"


class TensorBoard:
    def __init__(self, folder: Path, behind: int) -> None:
        """What was drawn of steps beyond `behind` disappears."""
        board = import_module("torch.utils.tensorboard")  # a second, which only who asks for it pays
        self._writer: Any = board.SummaryWriter(str(folder / FOLDER), purge_step=behind + 1)

    def write(self, step: int, scalars: Mapping[str, float]) -> None:
        for name, value in scalars.items():
            self._writer.add_scalar(name, value, step)
        self._writer.flush()

    def close(self) -> None:
        self._writer.close()
