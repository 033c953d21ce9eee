"""From a place in the order to a state that can be saved, and back again where the order is still the same."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from shardkit.errors import Mismatch
from shardkit.stream.opened import Opened, opened_here
from shardkit.stream.ordering import Ordering
from shardkit.stream.permutation import ORDER_VERSION
from shardkit.stream.state import (
    VERSION,
    State,
    checked,
    digest_of,
    refuse_other_options,
    refuse_other_order,
    refuse_other_rows,
)


class StateAt:
    """The state before a row of an epoch, made when it is called.

    Its digest takes the samples of all ranks. So a batch that goes to another process takes this along, and not the
    state: nothing is computed for a state that nobody asks for.
    """

    def __init__(self, opened: Opened, epoch: int, row: int) -> None:
        self._opened: Opened | None = opened
        self._open = (opened.source, opened.dataset.generation.number, opened.dataset.digest)
        self._epoch, self._row = epoch, row

    def __call__(self) -> State:
        return state_at(self._opened or opened_here(*self._open), self._epoch, self._row)

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_opened": None}


def state_at(opened: Opened, number: int, row: int) -> State:
    """The state before a row of epoch `number`."""
    return {
        "version": VERSION,
        "order": ORDER_VERSION,
        "dataset": opened.dataset.digest,
        "generation": opened.dataset.generation.number,
        "options": recorded(opened.source.ordering, opened.source.split),
        "epoch": number,
        "step": row,
        "order_digest": _digest_before(opened, number, row),
    }


def reopened(state: State, opened: Opened) -> Opened:
    """The generation that a state was saved on; Mismatch if the order is not what it was then."""
    checked(state)
    refuse_other_order(state["order"], ORDER_VERSION)
    source = opened.source
    refuse_other_options(state["options"], recorded(source.ordering, source.split))
    number = _generation_of(state, {each.number: each.digest for each in opened.dataset.manifest.generations}, opened)
    then = opened if number == opened.dataset.generation.number else Opened(source, number, state["dataset"])
    found = _digest_before(then, state["epoch"], state["step"])
    refuse_other_rows(state["order_digest"], found, state["epoch"], state["step"])
    return then


def recorded(ordering: Ordering, split: str) -> dict[str, Any]:
    """What decides the order, as a state keeps it."""
    return {"split": split, **asdict(ordering)}


def _digest_before(opened: Opened, number: int, row: int) -> str:
    behind = min(row, opened.order.steps) - 1
    return digest_of(None if behind < 0 else opened.epoch(number).row(behind))


def _generation_of(state: State, there: Mapping[int, str], opened: Opened) -> int:
    if there.get(state["generation"]) == state["dataset"]:
        return int(state["generation"])
    known = ", ".join(f"{number} ({digest[:12]})" for number, digest in there.items())
    raise Mismatch(
        f"{opened.source.folder}: the state was saved on generation {state['generation']} with the digest "
        f"{str(state['dataset'])[:12]}, and this dataset has the generations {known}. It is another dataset, or that "
        "generation was removed: go on with the one that the state was saved on, or start the epoch again."
    )
