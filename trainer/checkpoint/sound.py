"""Whether a folder is the checkpoint that was written there: its bytes, against the seals that came last.

`state.json` holds the digest of every other file, and its own.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from blake3 import blake3

from trainer.checkpoint.layout import STATE

Seal = dict[str, str | int]


@dataclass(frozen=True)
class Found:
    step: int
    folder: Path
    state: dict[str, Any]


class Unsound(Exception):
    """Why a folder is no whole checkpoint."""


def seal_of(content: bytes) -> Seal:
    return {"blake3": blake3(content, max_threads=blake3.AUTO).hexdigest(), "size": len(content)}


def sealed(state: Mapping[str, Any]) -> bytes:
    """What `state.json` holds; the state must be what JSON gives back."""
    return json.dumps({"state": state, "blake3": _digest(state)}, allow_nan=False, indent=1).encode()


def state_in(folder: Path) -> dict[str, Any]:
    try:
        whole = json.loads((folder / STATE).read_bytes())
        state, digest = whole["state"], whole["blake3"]
    except FileNotFoundError:
        raise Unsound(f"it has no {STATE}, so it was never finished") from None
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise Unsound(f"{STATE} cannot be read ({error})") from None
    if digest != _digest(state):
        raise Unsound(f"{STATE} is not what was written (its digest differs)")
    return dict(state)


def content_of(path: Path, seal: Seal) -> bytes:
    """The very bytes that were hashed."""
    try:
        content = path.read_bytes()
    except OSError as error:
        raise Unsound(f"{path.name} cannot be read ({error.strerror})") from None
    if len(content) != seal["size"]:
        raise Unsound(f"{path.name} has {len(content):,} bytes, and {seal['size']:,} were written")
    if seal_of(content) != seal:
        raise Unsound(f"{path.name} is not what was written (its digest differs)")
    return content


def looked_at(folder: Path, step: int) -> Found:
    """Unsound if anything of it is not what was written."""
    state = state_in(folder)
    if state["step"] != step:
        raise Unsound(f"it was written as step {state['step']:,}, under another name")
    for name, seal in state["files"].items():
        content_of(folder / name, seal)
    return Found(step, folder, state)


def _digest(state: object) -> str:
    return blake3(json.dumps(state, sort_keys=True).encode()).hexdigest()
