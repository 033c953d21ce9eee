"""A run of the trainer as a user starts it, with two ranks, and the embeddings of its held-out samples."""

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from commands import run


def embedded(
    recipe: str, folder: Path, flags: Mapping[str, object], program: Sequence[str] = ("-m", "trainer")
) -> tuple[NDArray[np.floating], NDArray[np.int64]]:
    """With the label of each. By the last weights: equal steps are compared, and not luck with the best validation.

    A run that was stopped goes on; one that has ended is not done again.
    """
    print(f"{folder.name} …", file=sys.stderr)
    torchrun = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc_per_node=2"]
    words = [word for name, value in flags.items() for word in (f"--{name}", *str(value).split(" "))]
    run([*torchrun, *program, "--config", recipe, "--run.folder", str(folder), *words])
    out = folder / "val.npz"
    run([sys.executable, "-m", "trainer", "embed", str(folder), str(out), "--dtype", "fp32", "--step", "latest"])
    whole = np.load(out)
    return whole["embeddings"], whole["label"]
