"""What a checkpoint keeps of a stream: small, JSON, and enough to refuse whatever would go on with another order.

version       of this state
order         the version of the order
dataset       the digest of the generation, and `generation` its number
options       what decides the order: batch, sampler, seed, tail, split …; never ranks, workers or threads
epoch, step   the row to go on with
order_digest  XXH3-64 of the sample numbers of the row before it, as planned: any rank can tell it alone
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from xxhash import xxh3_64_hexdigest

from shardkit.errors import Mismatch, UsageError

State = dict[str, Any]
VERSION = 1
_FIELDS = {"version", "order", "dataset", "generation", "options", "epoch", "step", "order_digest"}
_MOST = 1 << 63


@dataclass(frozen=True)
class Cursor:
    epoch: int
    step: int


def digest_of(numbers: NDArray[np.int64] | None) -> str:
    """Of a row; a stream that stands at the start of an epoch has none behind it."""
    return xxh3_64_hexdigest(b"" if numbers is None else numbers.astype("<i8").tobytes())


def checked(state: object) -> State:
    """A state that has its fields in their types."""
    if not isinstance(state, Mapping) or set(state) != _FIELDS:
        raise UsageError(f"This is no state of a stream: it must have the fields {', '.join(sorted(_FIELDS))}.")
    if state["version"] != VERSION:
        raise Mismatch(f"The state has version {state['version']}, and this shardkit reads {VERSION}.")
    for name in ("epoch", "step", "generation"):
        if type(state[name]) is not int or not 0 <= state[name] < _MOST:
            raise UsageError(f"This is no state of a stream: its {name} is {state[name]!r}.")
    if not isinstance(state["options"], Mapping):
        raise UsageError(f"This is no state of a stream: its options are {state['options']!r}.")
    return dict(state)


def refuse_other_order(found: int, expected: int) -> None:
    if found != expected:
        raise Mismatch(
            f"The state was saved by version {found} of the order, and this shardkit has version {expected}: it would "
            "serve other samples. Go on with the shardkit that saved it, or start the epoch again."
        )


def refuse_other_options(found: Mapping[str, Any], expected: Mapping[str, Any]) -> None:
    """The first option that differs is named, with both values."""
    for name in sorted({*found, *expected}):
        if found.get(name) != expected.get(name):
            raise Mismatch(
                f"The state was saved with {name}={found.get(name)!r}, and this stream has "
                f"{name}={expected.get(name)!r}: it would serve other samples. Give the same, or start the epoch again."
            )


def refuse_other_rows(found: str, expected: str, epoch: int, step: int) -> None:
    if found != expected:
        raise Mismatch(
            f"The order before row {step} of epoch {epoch} is not the one that the state was saved in (order_digest "
            f"{found}, here {expected}). The state or the dataset was changed by hand: start the epoch again."
        )
