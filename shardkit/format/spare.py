"""What the manifest alone would know, kept a second time beside the table of shards.

So a lost manifest can be made again to the same bytes: all the rest of it follows from the tables.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Protocol

from shardkit.dataset import Generation
from shardkit.errors import Damaged
from shardkit.format.manifest import canonical
from shardkit.format.shaped import shaped
from shardkit.format.tables import METADATA, parquet_file, readable


@dataclass(frozen=True)
class Spare:
    options: Mapping[str, Any]
    codec: str
    choice: str
    preparation: Mapping[str, Any]
    splitting: Mapping[str, Any]
    number: int
    by: str
    versions: Mapping[str, str]
    skipped: Mapping[str, int]
    classes: Mapping[str, int]
    """The labels given so far in each split: after a removal, the tables know of fewer."""


class Terms(Protocol):
    """What holds for all generations: as a manifest has it, or a plan."""

    @property
    def options(self) -> Mapping[str, Any]: ...
    @property
    def codec(self) -> str: ...
    @property
    def choice(self) -> str: ...
    @property
    def preparation(self) -> Mapping[str, Any]: ...
    @property
    def splitting(self) -> Mapping[str, Any]: ...


def spare_copy(terms: Terms, generation: Generation) -> bytes:
    """What to keep beside the table of shards."""
    spare = Spare(
        options=terms.options,
        codec=terms.codec,
        choice=terms.choice,
        preparation=terms.preparation,
        splitting=terms.splitting,
        number=generation.number,
        by=generation.by,
        versions=generation.versions,
        skipped=generation.skipped,
        classes={split: each.classes for split, each in generation.splits.items()},
    )
    return canonical(asdict(spare))


def read_spare(path: Path) -> Spare:
    with readable(path), parquet_file(path) as file:
        metadata = file.metadata.metadata or {}
    try:
        return shaped(json.loads(metadata[METADATA]), Spare)
    except (KeyError, ValueError, RecursionError) as error:
        raise Damaged(f"{path}: it keeps no copy of what the manifest said.") from error
