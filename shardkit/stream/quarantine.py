"""Samples that could not be served, and what was served instead: told once each, and kept for whoever asks."""

import logging
from collections.abc import Iterator
from dataclasses import dataclass

_log = logging.getLogger("shardkit.stream")


@dataclass(frozen=True)
class Bad:
    """`instead` is the key that took its place."""

    key: str
    why: str
    instead: str


class Quarantine:
    """The bad samples that this process met, in the order in which it met them."""

    def __init__(self) -> None:
        self._met: dict[str, Bad] = {}

    def __iter__(self) -> Iterator[Bad]:
        return iter(list(self._met.values()))

    def __len__(self) -> int:
        return len(self._met)

    def add(self, bad: Bad) -> None:
        if self._met.setdefault(bad.key, bad) is bad:  # one operation, which no other thread can come between
            _log.warning("%s is bad and %s is served instead. %s", bad.key, bad.instead, bad.why)
