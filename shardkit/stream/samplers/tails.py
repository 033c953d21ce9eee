"""The units that fill no whole row: left out, spread over one row more, or joined by some that come a second time."""

import numpy as np

from shardkit.stream.counts import Counts
from shardkit.stream.permutation import Integers
from shardkit.stream.samplers.layout import NOBODY, Table

_LEFT_OVER = "they fill no whole row"


def has_row(table: Table, tail: str) -> bool:
    return table.rest > 0 and tail != "drop"


def tail_places(table: Table, tail: str) -> Integers:
    """Which unit stands in each column of the tail's row: its place among all units, or NOBODY.

    Spread evenly, so that no two ranks differ by more than one unit; or going on from the last unit to the first.
    """
    whole = table.rows * table.columns
    if tail == "wrap":
        return (whole + np.arange(table.columns)) % table.units
    places = np.full(table.columns, NOBODY)
    rest = np.arange(table.rest)
    places[rest * table.columns // max(table.rest, 1)] = whole + rest
    return places


def counted(samples: int, unit: int, table: Table, tail: str, left_out: dict[str, int] | None = None) -> Counts:
    """Where no sample stands in two units."""
    more = (table.columns - table.rest) * unit if has_row(table, tail) else 0
    reasons = {**(left_out or {}), _LEFT_OVER: table.rest * unit if tail == "drop" else 0}
    missing = {reason: count for reason, count in reasons.items() if count}
    repeated, invalid = (more, 0) if tail == "wrap" else (0, more)
    return Counts(samples, samples - sum(missing.values()) + repeated, missing, repeated, invalid)
