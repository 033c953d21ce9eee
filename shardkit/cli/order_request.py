"""Which row is asked about: as options say, or as a state that a training run has saved."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from shardkit.errors import UsageError
from shardkit.stream.opened import Opened, Source
from shardkit.stream.ordering import Ordering
from shardkit.stream.saving import reopened
from shardkit.stream.state import State, checked

_BATCH = 64
_SPLIT = "train"


@dataclass(frozen=True)
class Asked:
    opened: Opened
    epoch: int
    step: int

    def __post_init__(self) -> None:
        if self.step >= self.opened.order.steps:
            raise UsageError(
                f"There is no row {self.step:,}: an epoch of {self.opened.source.folder} in this order has "
                f"{self.opened.order.steps:,}, counted from 0."
            )


def asked(given: dict[str, Any]) -> Asked:
    """`given` has None for what was not said."""
    epoch, step, state, world = (given.pop(name) for name in ("epoch", "step", "state", "world_size"))
    folder, generation = given.pop("dst"), given.pop("generation")
    said = {name: value for name, value in given.items() if value is not None}
    if state is None:
        source = _source(folder, {"global_batch": _BATCH * (world or 1), **said})
        return Asked(Opened(source, generation), epoch or 0, step or 0)
    if said or generation is not None:
        first = next(iter([*said, "generation"]))
        option = {"global_batch": "batch", "shuffle": "no-shuffle"}.get(first, first.replace("_", "-"))
        raise UsageError(f"{state}: a state has all options of its order. Leave --{option} out.")
    return _before(folder, read_state(state), epoch, step)


def read_state(file: Path) -> State:
    try:
        state = json.loads(file.read_bytes())
    except (OSError, ValueError) as error:
        raise UsageError(
            f"{file}: no state can be read from it ({error}). Save one with json.dump(batch.state)."
        ) from None
    return checked(state if isinstance(state, dict) else {})


def _before(folder: Path, state: State, epoch: int | None, step: int | None) -> Asked:
    """The row that a state was saved behind, unless another is asked for."""
    source = _source(folder, state["options"])
    opened = reopened(state, Opened(source, None))
    last = (state["epoch"], state["step"] - 1) if state["step"] else (state["epoch"] - 1, opened.order.steps - 1)
    if epoch is None and step is None and last[0] < 0:
        raise UsageError("This state stands before the first row of all: no row is behind it. Say --epoch and --step.")
    return Asked(opened, max(0, last[0]) if epoch is None else epoch, last[1] if step is None else step)


def _source(folder: Path, options: dict[str, Any]) -> Source:
    named = dict(options)
    split = named.pop("split", _SPLIT)
    try:
        return Source(folder, split, Ordering(**named), minutiae=False)
    except TypeError as error:
        raise UsageError(f"This is no state of a stream: its options cannot be meant ({error}).") from None
