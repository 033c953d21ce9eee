"""What the manifest alone would know, kept a second time beside the table of shards.

So a lost manifest can be made again to the same bytes: all the rest of it follows from the tables.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from shardkit.dataset import Generation
from shardkit.errors import Damaged
from shardkit.format.manifest import canonical
from shardkit.format.shaped import shaped
from shardkit.format.tables import METADATA, TableFile, readable
from shardkit.format.terms import Terms, check_terms


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
    with readable(path):
        metadata = TableFile(path).metadata.metadata or {}
    try:
        spare = shaped(json.loads(metadata[METADATA]), Spare)
        check_terms(spare)
    except (KeyError, ValueError, RecursionError) as error:
        raise Damaged(f"{path}: it keeps no copy of what the manifest said ({error}).") from error
    return spare
