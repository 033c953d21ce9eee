"""How far a job has come, in words: what is done, how fast, how long it takes yet."""

import threading
import time
from dataclasses import dataclass, field


@dataclass
class Tally:
    what: str
    total: int
    """0 where it is not known yet."""
    start: float
    made: int = 0
    skipped: int = 0
    bytes: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)

    def make(self, count: int, size: int) -> None:
        with self.lock:
            self.made += count
            self.bytes += size

    @property
    def done(self) -> int:
        return self.made + self.skipped

    def __str__(self) -> str:
        elapsed = max(time.monotonic() - self.start, 1e-9)
        rate = self.made / elapsed
        speed = f" · {self.bytes / elapsed / 1e6:,.0f} MB/s" if self.bytes else ""
        if not self.total:
            return f"{self.done:,} {self.what} · {rate:,.1f}/s"
        left = f" · {duration((self.total - self.done) / rate)} left" if rate else ""
        return f"{self.done:,} of {self.total:,} {self.what} · {rate:,.1f}/s{speed}{left}"


def duration(seconds: float) -> str:
    """Say a time as people do: 42 s, 7 min 05 s, 3 h 20 min."""
    whole = round(seconds)
    if whole < 60:  # noqa: PLR2004 - sixty seconds, sixty minutes
        return f"{whole} s"
    minutes, rest = divmod(whole, 60)
    if minutes < 60:  # noqa: PLR2004
        return f"{minutes} min {rest:02} s"
    return f"{minutes // 60} h {minutes % 60:02} min"
