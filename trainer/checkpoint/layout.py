"""Where a checkpoint lies, and what its folder is called: `RUN/checkpoints/step-0000001234`.

A step is a number and is compared as one: by their names, as text, step 9 would be newer than step 10.
"""

import re
from pathlib import Path

STATE = "state.json"
"""Comes last, and seals the other files: a folder without it is no checkpoint."""
BEST = "best.json"
LATEST = "latest.json"
TENSORS = ".safetensors"
_NAME = re.compile(r"step-(\d{10,})")


def checkpoints(run: Path) -> Path:
    return run / "checkpoints"


def folder_of(run: Path, step: int) -> Path:
    return checkpoints(run) / f"step-{step:010d}"


def steps_in(run: Path) -> list[int]:
    """Of all folders that are called like a checkpoint, oldest first."""
    if not checkpoints(run).is_dir():
        return []
    names = (_NAME.fullmatch(each.name) for each in checkpoints(run).iterdir())
    return sorted(int(name[1]) for name in names if name)
