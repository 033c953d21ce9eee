"""Where a checkpoint lies, and what its folder is called: `RUN/checkpoints/step-0000001234`.

A step is a number and is compared as one: by their names, as text, step 9 would be newer than step 10.
"""

import re
from pathlib import Path

STATE = "state.json"
"""Comes last, and seals the other files: a folder without it is no checkpoint."""
BEST = "best.json"
"""For people and scripts, as is LATEST: what is best is written in the checkpoints themselves."""
LATEST = "latest.json"
TENSORS = ".safetensors"
_NAME = re.compile(r"step-([0-9]{10,})")


def checkpoints(run: Path) -> Path:
    return run / "checkpoints"


def folder_of(run: Path, step: int) -> Path:
    return checkpoints(run) / f"step-{step:010d}"


def steps_in(run: Path) -> list[int]:
    """Of all folders that are called like a checkpoint, oldest first."""
    if not checkpoints(run).is_dir():
        return []
    named = [(each, _NAME.fullmatch(each.name)) for each in checkpoints(run).iterdir()]
    there = {each: int(name[1]) for each, name in named if name and each.is_dir()}
    return sorted(step for each, step in there.items() if each == folder_of(run, step))
