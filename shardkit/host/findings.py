"""Finding of a check, and the reference dataset that a host is measured against: a million fingerprints in shards."""

from dataclasses import dataclass
from enum import StrEnum


class Severity(StrEnum):
    PROBLEM = "problem"
    ADVICE = "advice"
    SKIPPED = "skipped"
    OK = "ok"


@dataclass(frozen=True)
class Finding:
    """`fact` is what is, `why` is what it means for a million files, and `changes` are commands or settings to use."""

    topic: str
    severity: Severity
    fact: str
    why: str = ""
    changes: tuple[str, ...] = ()


def ok(topic: str, fact: str, why: str = "") -> Finding:
    return Finding(topic, Severity.OK, fact, why)


def not_checked(topic: str, fact: str) -> Finding:
    return Finding(topic, Severity.SKIPPED, fact)


def format_bytes(count: float) -> str:
    """Bytes as people say them, to three digits."""
    for unit in ("bytes", "kB", "MB", "GB", "TB", "PB"):
        if count < 999.5:  # noqa: PLR2004 - what rounds to a thousand belongs to the next unit
            return f"{count:.3g} {unit}"
        count /= 1_000
    return f"{count:,.0f} EB"


IMAGES = 1_000_000

BYTES_PER_IMAGE = 400_000

BYTES_PER_SHARD = 256_000_000

# What shuffling holds in memory at a global batch of 64: 512 rows of it.
BYTES_PER_WINDOW = 64 * 512 * BYTES_PER_IMAGE
