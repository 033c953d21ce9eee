"""Values that describe a dataset: members, samples, shards, subjects, generations and the manifest.

They are frozen and do no I/O. Their fields are the names that docs/format.md uses, and no concept has a second name.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

MANIFEST = "manifest.json"
WORKSPACE = ".shardkit"
"""The folder in which a pack, append or removal keeps what it needs to go on; gone when it has ended."""

SCHEMA = "shardkit"
MAJOR, MINOR = 1, 0

MAX_SHARDS = 1_000_000
"""Of a split: names with more digits would sort before those with six."""
LARGEST_SIDE = 999_999
"""Of an image or an array: rows, columns or channels."""
LARGEST_UNPACKED = 1 << 29
"""Bytes of an image or an array: a palette of few bits becomes colors of 8 bits, so this is more than a codec takes."""
MAX_DEPTH = 32
"""Bits of a value."""


@dataclass(frozen=True, slots=True)
class Member:
    """A file inside a tar: where its bytes are, and what they are."""

    ext: str
    offset: int
    size: int
    xxh3: bytes


@dataclass(frozen=True, slots=True)
class Sample:
    """An impression with its sidecars, as the index knows it."""

    key: str
    subject: str
    impression: str
    group: str
    label: int
    source: bytes
    original_width: int
    original_height: int
    width: int
    height: int
    channels: int
    bit_depth: int
    image: Member
    sidecars: tuple[Member, ...]
    generation: int
    other: bytes | None = None
    """The digest of the bytes before the payloads that are not ours to derive; only in adopted tars."""

    @property
    def members(self) -> tuple[Member, ...]:
        return (self.image, *self.sidecars)


@dataclass(frozen=True, slots=True)
class Shard:
    """A row of the shard table."""

    name: str
    split: str
    samples: int
    size: int
    blake3: str
    rows: str
    """BLAKE3 of the logical rows of the index, so that an index rebuilt by another pyarrow still matches."""
    index: str
    row_group: int
    generation: int
    other: bytes | None = None
    """The digest of the bytes behind the last payload; only of adopted tars. Ours end with two zero blocks."""

    @property
    def adopted(self) -> bool:
        return self.other is not None


@dataclass(frozen=True, slots=True)
class Subject:
    subject: str
    group: str
    split: str
    label: int
    impressions: int
    generation: int


@dataclass(frozen=True)
class Seal:
    """What a file must be."""

    blake3: str
    size: int


@dataclass(frozen=True)
class Totals:
    """What a split holds; `classes` counts the labels given so far, those of removed subjects too."""

    samples: int
    subjects: int
    shards: int
    bytes: int
    classes: int


@dataclass(frozen=True)
class Generation:
    """A dataset after one pack, append or removal: the files it added, and what the whole was then."""

    number: int
    by: str
    digest: str
    class_map: str
    """BLAKE3 over which subject has which label in which split."""
    versions: Mapping[str, str]
    """What the bytes depend on: with these versions, the same sources become the same bytes."""
    splits: Mapping[str, Totals]
    packed: int
    skipped: Mapping[str, int]
    shards: str
    subjects: str
    listed: str
    """The file that lists what was skipped."""
    index: tuple[str, ...]


@dataclass(frozen=True)
class Manifest:
    """What `manifest.json` says. Tars are sealed by the shard tables, every other file here."""

    options: Mapping[str, object]
    codec: str
    """What `auto` became, and in `choice` why."""
    choice: str
    preparation: Mapping[str, object]
    generations: tuple[Generation, ...]
    files: Mapping[str, Seal]
    splitting: Mapping[str, object] = field(default_factory=dict)
    """How a subject finds its split: recorded and reused, so that appended data never moves anyone."""

    @property
    def current(self) -> Generation:
        return self.generations[-1]

    @property
    def is_from_arrays(self) -> bool:
        """Whether samples were packed from arrays, in which a sample of three sides has its channels first."""
        return bool(self.options.get("arrays"))
