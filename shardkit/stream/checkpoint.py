"""State of a stream: made after a batch, checked, and restored if the order is still the same.

It is small, is JSON, and has enough to refuse whatever would resume with another order:

    version        of this state
    order          the version of the order
    dataset        the digest of the generation, and `generation` its number
    options        options that decide the order: batch, sampler, seed, tail, split …; never ranks, workers or threads
    epoch, step    the global batch to resume with
    order_digest   XXH3-64 of the sample indices of the global batch before it, as planned: any rank can compute it
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from xxhash import xxh3_64_hexdigest

from shardkit.errors import Mismatch, UsageError
from shardkit.stream.opened_split import OpenedSplit, open_split
from shardkit.stream.options import State
from shardkit.stream.order.options import OrderOptions
from shardkit.stream.order.rng import ORDER_VERSION

STATE_VERSION = 1

_FIELDS = {"version", "order", "dataset", "generation", "options", "epoch", "step", "order_digest"}

_MOST = 1 << 63


@dataclass(frozen=True)
class Cursor:
    epoch: int
    step: int


def row_digest(numbers: NDArray[np.int64] | None) -> str:
    """Of a row; a stream that stands at the start of an epoch has none behind it."""
    return xxh3_64_hexdigest(b"" if numbers is None else numbers.astype("<i8").tobytes())


def validate_state(state: object) -> State:
    """A state that has its fields in their types."""
    if not isinstance(state, Mapping) or set(state) != _FIELDS:
        raise UsageError(f"This is no state of a stream: it must have the fields {', '.join(sorted(_FIELDS))}.")
    if state["version"] != STATE_VERSION:
        raise Mismatch(f"The state has version {state['version']}, and this shardkit reads {STATE_VERSION}.")
    for name in ("epoch", "step", "generation"):
        if type(state[name]) is not int or not 0 <= state[name] < _MOST:
            raise UsageError(f"This is no state of a stream: its {name} is {state[name]!r}.")
    if not isinstance(state["options"], Mapping):
        raise UsageError(f"This is no state of a stream: its options are {state['options']!r}.")
    return dict(state)


def check_same_order(found: int, expected: int) -> None:
    if found != expected:
        raise Mismatch(
            f"The state was saved by version {found} of the order, and this shardkit has version {expected}: it would "
            "serve other samples. Go on with the shardkit that saved it, or start the epoch again."
        )


def check_same_options(found: Mapping[str, Any], expected: Mapping[str, Any]) -> None:
    """The first option that differs is named, with both values."""
    for name in sorted({*found, *expected}):
        if found.get(name) != expected.get(name):
            raise Mismatch(
                f"The state was saved with {name}={found.get(name)!r}, and this stream has "
                f"{name}={expected.get(name)!r}: it would serve other samples. Give the same, or start the epoch again."
            )


def check_same_rows(found: str, expected: str, epoch: int, step: int) -> None:
    if found != expected:
        raise Mismatch(
            f"The order before row {step} of epoch {epoch} is not the one that the state was saved in (order_digest "
            f"{found}, here {expected}). The state or the dataset was changed by hand: start the epoch again."
        )


class StateAt:
    """The state before a row of an epoch, made when it is called.

    Its digest takes the samples of all ranks. So a batch that goes to another process takes this along, and not the
    state: nothing is computed for a state that nobody asks for.
    """

    def __init__(self, opened: OpenedSplit, epoch: int, row: int) -> None:
        self._opened: OpenedSplit | None = opened
        self._open = (opened.source, opened.dataset.generation.number, opened.dataset.digest)
        self._epoch, self._row = epoch, row

    def __call__(self) -> State:
        return make_state(self._opened or open_split(*self._open), self._epoch, self._row)

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_opened": None}


def make_state(opened: OpenedSplit, number: int, row: int) -> State:
    """The state before a row of epoch `number`."""
    return {
        "version": STATE_VERSION,
        "order": ORDER_VERSION,
        "dataset": opened.dataset.digest,
        "generation": opened.dataset.generation.number,
        "options": order_record(opened.source.ordering, opened.source.split),
        "epoch": number,
        "step": row,
        "order_digest": _digest_before(opened, number, row),
    }


def restore(state: State, opened: OpenedSplit) -> OpenedSplit:
    """The generation that a state was saved on; Mismatch if the order is not what it was then."""
    validate_state(state)
    check_same_order(state["order"], ORDER_VERSION)
    source = opened.source
    check_same_options(state["options"], order_record(source.ordering, source.split))
    number = _generation_of(state, {each.number: each.digest for each in opened.dataset.manifest.generations}, opened)
    then = opened if number == opened.dataset.generation.number else OpenedSplit(source, number, state["dataset"])
    found = _digest_before(then, state["epoch"], state["step"])
    check_same_rows(state["order_digest"], found, state["epoch"], state["step"])
    return then


def order_record(ordering: OrderOptions, split: str) -> dict[str, Any]:
    """What decides the order, as a state keeps it."""
    return {"split": split, **asdict(ordering)}


def _digest_before(opened: OpenedSplit, number: int, row: int) -> str:
    behind = min(row, opened.order.steps) - 1
    return row_digest(None if behind < 0 else opened.epoch(number).row(behind))


def _generation_of(state: State, there: Mapping[int, str], opened: OpenedSplit) -> int:
    if there.get(state["generation"]) == state["dataset"]:
        return int(state["generation"])
    known = ", ".join(f"{number} ({digest[:12]})" for number, digest in there.items())
    raise Mismatch(
        f"{opened.source.folder}: the state was saved on generation {state['generation']} with the digest "
        f"{str(state['dataset'])[:12]}, and this dataset has the generations {known}. It is another dataset, or that "
        "generation was removed: go on with the one that the state was saved on, or start the epoch again."
    )
