"""A generation from what it came to, and its tables: one way for whatever makes or changes a dataset."""

from collections.abc import Iterable, Mapping, Sequence

from shardkit.dataset import Generation, Shard, Subject, Totals
from shardkit.format.numbering import shards_name, skipped_name, subjects_name
from shardkit.format.spare import spare_copy
from shardkit.format.tables import SHARDS, SUBJECTS, from_rows
from shardkit.format.terms import Terms
from shardkit.format.totals import class_map_digest, generation_digest, totals
from shardkit.pack.sealing import Sealing


def generation_of(
    number: int,
    by: str,
    versions: Mapping[str, str],
    shards: Sequence[Shard],
    subjects: Sequence[Subject],
    *,
    index: Iterable[str],
    packed: int,
    skipped: Mapping[str, int],
    before: Mapping[str, Totals] | None = None,
) -> Generation:
    """`shards` and `subjects` are all that the dataset has then; the rest tells of what was done just now."""
    return Generation(
        number=number,
        by=by,
        digest=generation_digest(shards),
        class_map=class_map_digest(subjects),
        versions=versions,
        splits=totals(shards, subjects, before),
        packed=packed,
        skipped=dict(sorted(skipped.items())),
        shards=shards_name(number),
        subjects=subjects_name(number),
        listed=skipped_name(number),
        index=tuple(dict.fromkeys(index)),
    )


def publish_tables(
    files: Sealing, generation: Generation, terms: Terms, shards: Iterable[Shard], subjects: Iterable[Subject]
) -> None:
    """Write the shards and subjects that the generation adds."""
    files.table(generation.shards, SHARDS, [from_rows(shards, SHARDS)], spare_copy(terms, generation))
    files.table(generation.subjects, SUBJECTS, [from_rows(subjects, SUBJECTS)])
