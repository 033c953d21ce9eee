"""Samples that could not be served, and what was served instead: told once each, and kept for whoever asks."""

import logging
import threading
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
        self._lock = threading.Lock()

    def __iter__(self) -> "iter[Bad]":  # type: ignore[valid-type]
        return iter(list(self._met.values()))

    def __len__(self) -> int:
        return len(self._met)

    def add(self, bad: Bad) -> None:
        with self._lock:
            known = bad.key in self._met
            self._met.setdefault(bad.key, bad)
        if not known:
            _log.warning("%s is bad and %s is served instead. %s", bad.key, bad.instead, bad.why)
