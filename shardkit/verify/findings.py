"""Finding of verify: one damage, its position, and what should be there."""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any


class FindingKind(StrEnum):
    MANIFEST = "manifest"
    """The manifest does not match its own digest."""
    MISSING = "missing"
    EXTRA = "extra"
    LEFTOVER = "leftover"
    """What a killed process left: rubbish."""
    ODD = "odd"
    """Not a regular file."""
    SIZE = "size"
    DIGEST = "digest"
    """Not the bytes that were sealed."""
    UNREADABLE = "unreadable"
    TABLE = "table"
    """The rows of a table cannot be made out, or are others than were sealed."""
    DISAGREES = "disagrees"
    """Two files that are whole say different things."""
    MISPLACED = "misplaced"
    """A whole shard under the name of another."""
    HEADER = "header"
    PADDING = "padding"
    PAYLOAD = "payload"
    END = "end"
    """The blocks behind the last sample."""
    PIXELS = "pixels"


@dataclass(frozen=True, slots=True)
class Finding:
    kind: FindingKind
    file: str
    key: str | None = None
    offset: int | None = None
    """In the file, as near as it can be known."""
    expected: str = ""
    found: str = ""
    text: str = ""

    def __str__(self) -> str:
        place = "" if self.offset is None else f" at byte {self.offset:,}"
        sample = "" if self.key is None else f", sample {self.key}"
        compared = f" Expected {self.expected}, found {self.found}." if self.expected else ""
        said = f"{printable_name(self.file)}{place}{sample}: {self.kind}. {self.text}{compared}"
        return "".join(each if each.isprintable() else ascii(each)[1:-1] for each in said)

    def record(self) -> dict[str, Any]:
        return {"finding": asdict(self)}


def printable_name(name: str) -> str:
    """A name that no terminal obeys."""
    return ascii(name)[1:-1]


def without_followups(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """In order, and without what only repeats or follows from another finding about the same file."""
    by_file: dict[str, set[Finding]] = {}
    for each in findings:
        by_file.setdefault(each.file, set()).add(each)
    kept = (each for group in by_file.values() for each in group if not _follows(each, group))
    return tuple(sorted(kept, key=lambda each: (each.file, each.offset or 0, each.kind, each.key or "", each.text)))


def _follows(finding: Finding, others: set[Finding]) -> bool:
    if finding.kind in _FOLLOWING:  # a file that is not what was sealed may say anything
        return any(each.kind in _WHOLE_FILE for each in others)
    if finding.kind in (FindingKind.EXTRA, FindingKind.LEFTOVER):
        return any(each.kind is FindingKind.MISPLACED for each in others)
    if finding.kind in (FindingKind.SIZE, FindingKind.DIGEST) and finding.key is None:  # a sample says more
        return any(each.key is not None or each.kind is FindingKind.MISPLACED for each in others)
    return False


_WHOLE_FILE = {
    FindingKind.MANIFEST,
    FindingKind.MISSING,
    FindingKind.ODD,
    FindingKind.SIZE,
    FindingKind.DIGEST,
    FindingKind.UNREADABLE,
}

_FOLLOWING = {FindingKind.TABLE, FindingKind.DISAGREES}

Tally = Mapping[tuple[str, str, str, int], int]
"""The samples that the index has of each (split, subject, group, label)."""


def unreadable_file(name: str, error: OSError) -> Finding:
    return Finding(FindingKind.UNREADABLE, name, text=f"The system reports «{error.strerror}».")


def digest_mismatch(name: str, expected: str, found: str) -> Finding:
    return Finding(
        FindingKind.DIGEST, name, expected=expected, found=found, text="Its BLAKE3 is not the one that was sealed."
    )
