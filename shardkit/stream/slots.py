"""Which slots a row takes: all alike, since a tensor has one shape."""

import numpy as np

from shardkit.errors import UsageError
from shardkit.stream.columns import Figure, Integers
from shardkit.stream.lookup import NOBODY, Found, Lookup
from shardkit.stream.serving import Serving, Slot


def slot_for(found: Found, lookup: Lookup, serving: Serving) -> Slot:
    """That of all images of a row; an error names two that differ."""
    kinds = found.figures[:, Figure.KIND]
    if (found.numbers != NOBODY).all() and (kinds == kinds[0]).all():  # nearly always, and told at once
        return serving.slot(lookup.kinds.met[kinds[0]])
    present = np.flatnonzero(found.numbers != NOBODY)
    if not len(present):  # a rank may have none of the last few samples
        return slot_for(lookup.find(np.zeros(1, np.int64)), lookup, serving)
    return _one_of(found, present, lookup, serving)


def key_of(found: Found, line: int) -> str:
    """Empty where there is no sample."""
    if found.numbers[line] == NOBODY:
        return ""
    start, end = found.figures[line, Figure.KEY], found.figures[line, Figure.KEY_END]
    return found.keys[int(found.shards[line])][start:end].decode()


def _one_of(found: Found, present: Integers, lookup: Lookup, serving: Serving) -> Slot:
    kinds, first = np.unique(found.figures[present, Figure.KIND], return_index=True)
    slots = {serving.slot(lookup.kinds.met[kind]): int(line) for kind, line in zip(kinds, present[first], strict=True)}
    if len(slots) > 1:
        told = [f"{key_of(found, line)} is {slot}" for slot, line in list(slots.items())[:2]]
        raise UsageError(
            f"The images of a batch differ: {told[0]}, {told[1]}. Say size= (and fit=) to bring them to one size, "
            "color= to bring them to one colour, or as_list=True to get each as a tensor of its own."
        )
    return next(iter(slots))
