"""The kinds of images that a stream meets: how they are stored, and how large they are. A dataset has few.

A kind has a number, so that a sample's kind is one integer among others.
"""

import threading
from dataclasses import dataclass, field
from typing import NamedTuple


class Kind(NamedTuple):
    """As the index says; sides are 0 where a header does not tell them (TIFF)."""

    ext: str
    height: int
    width: int
    channels: int
    bit_depth: int


@dataclass
class Kinds:
    """Every kind by its number, from 0, in the order in which they were met: numbers hold for one process only."""

    met: list[Kind] = field(default_factory=list)
    _numbers: dict[Kind, int] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def number(self, kind: Kind) -> int:
        with self._lock:
            if kind not in self._numbers:
                self._numbers[kind] = len(self.met)
                self.met.append(kind)
            return self._numbers[kind]
