"""The command to run next, as it can be copied into a shell whatever the folder is called."""

import shlex
from pathlib import Path


def advised(command: str, folder: Path) -> str:
    return f"`shardkit {command} {shlex.quote(str(folder))}`"
