"""Sharing a number of things out evenly, by whole numbers: no share is off by one whole thing."""

import numpy as np

from shardkit.stream.permutation import Integers


def bounds(count: int, parts: int, shift: int = 0) -> Integers:
    """Where each part starts when `count` things fall to so many parts; `shift` < parts says who gets the odd ones."""
    return (np.arange(parts + 1) * count + shift) // parts


def part_of(things: Integers, count: int, parts: int, shift: int = 0) -> Integers:
    """The part that things fall to: the last one that does not start behind them."""
    return (parts * (things + 1) - shift - 1) // count


def spread(room: Integers, wanted: Integers, segment: Integers, shifts: Integers) -> Integers:
    """What each gets of what its segment wants, in proportion to its room and never more than that.

    `segment` is the segment of each, ascending; each segment has its `shifts` below its whole room.
    """
    ends = np.cumsum(room)
    whole = np.bincount(segment, room, len(wanted)).astype(np.int64)
    before = (np.cumsum(whole) - whole)[segment]
    scale, most, shift = wanted[segment], np.maximum(whole[segment], 1), shifts[segment]
    return ((ends - before) * scale + shift) // most - ((ends - room - before) * scale + shift) // most
