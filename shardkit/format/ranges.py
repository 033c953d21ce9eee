"""Which of many stretches of names may hold a name, without asking each of them."""

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from itertools import accumulate

Bounds = tuple[str, str]
"""The first and the last name of a stretch."""


class Ranges:
    """Stretches in any order, overlapping as they like; where they do not overlap, only one is ever looked at."""

    def __init__(self, bounds: Sequence[Bounds | None]) -> None:
        """None stands for a stretch of which nothing is known."""
        self._unknown = [number for number, each in enumerate(bounds) if each is None]
        known = sorted((*each, number) for number, each in enumerate(bounds) if each is not None)
        self._firsts = [first for first, _, _ in known]
        self._lasts = [last for _, last, _ in known]
        self._numbers = [number for _, _, number in known]
        self._last_so_far = list(accumulate(self._lasts, max))

    def holding(self, name: str) -> Iterator[int]:
        """The numbers of the stretches that may hold a name."""
        place = bisect_right(self._firsts, name) - 1
        while place >= 0 and self._last_so_far[place] >= name:
            if self._lasts[place] >= name:
                yield self._numbers[place]
            place -= 1
        yield from self._unknown

    def nearest(self, name: str) -> int | None:
        """The number of the stretch where a name would stand."""
        if not self._numbers:
            return next(iter(self._unknown), None)
        return self._numbers[max(0, bisect_right(self._firsts, name) - 1)]
