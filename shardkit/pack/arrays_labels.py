"""The labels of arrays, read a stretch at a time: a mapped file that shrinks would kill whoever looks at it."""

import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from shardkit.errors import Mismatch, UsageError
from shardkit.format.refusal import explained
from shardkit.pack.arrays_description import ArrayFiles


@dataclass(frozen=True)
class Labels:
    path: Path
    files: ArrayFiles
    moment: tuple[int, int]
    """Size and time: labels that change while a plan is made would be a mixture."""

    @staticmethod
    def opened(root: Path, files: ArrayFiles) -> "Labels":
        path = root / files.labels
        with explained(path):
            return Labels(path, files, _moment(path.stat()))

    def read(self, start: int, stop: int) -> NDArray[np.int64]:
        """The labels of some samples that follow each other."""
        kind = np.dtype(self.files.label_type)
        with explained(self.path), self.path.open("rb") as file:
            file.seek(len(self.files.labels_head) // 2 + start * kind.itemsize)
            content = file.read((stop - start) * kind.itemsize)
            now = _moment(os.fstat(file.fileno()))
        if now != self.moment or len(content) != (stop - start) * kind.itemsize:
            raise Mismatch(f"{self.path}: changed while it was read. Let it come to rest, then run the command again.")
        labels = np.frombuffer(content, kind).astype(np.int64)
        self._refuse_negative(labels, start)
        return labels

    def _refuse_negative(self, labels: NDArray[np.int64], start: int) -> None:
        negative = np.flatnonzero(labels < 0)
        if len(negative):
            first = int(negative[0])
            raise UsageError(
                f"{self.path}: sample {start + first:,} has the label {labels[first]}, and a class is a number from 0 "
                "on. Give every sample a class, or leave those without one out of the files."
            )


def _moment(status: os.stat_result) -> tuple[int, int]:
    return status.st_size, status.st_mtime_ns
