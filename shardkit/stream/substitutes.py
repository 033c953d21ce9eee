"""Which sample takes the place of a bad one: the next of the index, and so on around, the same for whoever asks.

The next sample is most often another impression of the same subject. It is served once more than the order says, and
the ranks stay in step.
"""

from collections.abc import Iterator
from dataclasses import replace

from shardkit.stream.lookup import Found

_TRIES = 64


def substitutes(number: int, samples: int) -> Iterator[int]:
    """In the order in which they are tried; where so many in a row are bad, something else is wrong."""
    return ((number + step) % samples for step in range(1, min(samples, _TRIES + 1)))


def substituted(found: Found, line: int, other: Found) -> Found:
    """A row with another sample in one of its lines."""
    numbers, shards, figures = found.numbers.copy(), found.shards.copy(), found.figures.copy()
    numbers[line], shards[line], figures[line] = other.numbers[0], other.shards[0], other.figures[0]
    minutiae = found.minutiae
    if minutiae is not None and other.minutiae is not None:
        minutiae = minutiae.copy()
        minutiae[line] = other.minutiae[0]
    return replace(
        found, numbers=numbers, shards=shards, figures=figures, minutiae=minutiae, keys={**found.keys, **other.keys}
    )
