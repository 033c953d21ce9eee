"""Trying out what packing relies on, where it will be relied on: a file system may refuse what its type promises."""

from collections.abc import Callable, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory

from shardkit.errors import ShardkitError

Attempt = Callable[[Path], None]


def refusals(folder: Path, attempts: Mapping[str, Attempt]) -> dict[str, str | None]:
    """What was said against each attempt, made in a folder that goes with it; None is success."""
    try:
        # A network file system may keep the name of a deleted file for a while: then its folder cannot go yet.
        with TemporaryDirectory(prefix=".shardkit-doctor-", dir=folder, ignore_cleanup_errors=True) as probe:
            return {what: _refusal(attempt, Path(probe)) for what, attempt in attempts.items()}
    except OSError as error:
        return {"make a folder": str(error)}


def _refusal(attempt: Attempt, folder: Path) -> str | None:
    try:
        attempt(folder)
    except (OSError, ShardkitError) as error:
        return str(error)
    return None
