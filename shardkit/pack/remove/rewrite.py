"""Shards and tables written again without the removed subjects, as a new generation.

Everything that changes is written to the workspace first (`staging.py`). Labels of other subjects stay, and the label
of a removed subject is not given again.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from functools import partial

import pyarrow as pa
import pyarrow.compute as pc
from blake3 import blake3

from shardkit.errors import Damaged, UsageError
from shardkit.format.digests import rows_digest
from shardkit.format.generation import build_generation, skipped_name, sums_name
from shardkit.format.manifest import publish_manifest
from shardkit.format.tables import INDEX, rows_to_table
from shardkit.pack.generation_writer import (
    GenerationWriter,
    UnindexedShard,
    library_versions,
    publish_tables,
    write_index,
)
from shardkit.pack.remove.check import check_no_extra_files, read_lines, read_skips, skip_filter
from shardkit.pack.remove.preview import Removal
from shardkit.pack.remove.staging import RemovalRecord, finish_removal, removal_staging, write_record
from shardkit.pack.workspace import REMOVAL, has_plan
from shardkit.pack.write.tar_writer import TarWriter
from shardkit.reader.dataset import Dataset
from shardkit.reader.shard import Record, open_shard
from shardkit.schema import Sample, Shard
from shardkit.storage.folder import DatasetFolder
from shardkit.storage.local import sha256_file

CountProgress = Callable[[int], None]


def check_removable(dataset: Dataset) -> None:
    """Raise UsageError if the folder has files that a removal could not account for."""
    if has_plan(dataset.folder):
        raise UsageError(
            f"dataset {str(dataset.folder)!r}: an append was interrupted, so no subject can be removed yet. "
            "Run the same append again, or add --replan to it to discard it; then remove."
        )
    check_no_extra_files(dataset)


def remove_subjects(dataset: Dataset, removal: Removal, watch: CountProgress) -> RemovalRecord:
    """Write the dataset again without the subjects of a removal; the caller holds the folder."""
    DatasetFolder(dataset.folder).remove_folder(REMOVAL)
    record = _stage(dataset, removal_staging(dataset.folder), removal, watch)
    finish_removal(dataset.folder)
    return record


def _stage(dataset: Dataset, staging: DatasetFolder, removal: Removal, watch: CountProgress) -> RemovalRecord:
    files = GenerationWriter(staging)
    number = dataset.generation.number + 1
    gone = frozenset(removal.subjects)
    used = [name for each in dataset.manifest.generations for name in each.index]
    shards = list(write_index(_shards_without(dataset, staging, gone, watch), used, files))
    subjects = [each for each in dataset.subjects if each.subject not in gone]
    skipped = _list_skips(dataset, staging, gone, number)
    files.seal(skipped_name(number))
    generation = build_generation(
        number,
        "remove",
        library_versions(pixels=bool(dataset.manifest.preparation)),
        shards,
        subjects,
        index=(shard.index for shard in shards),
        packed=sum(shard.samples for shard in shards),
        skipped=skipped,
        before=dataset.splits,
    )
    publish_tables(files, generation, dataset.manifest, shards, subjects)
    _list_sums(dataset, staging, shards, files)
    record = RemovalRecord(removal, number, generation.digest)
    write_record(dataset.folder, record)
    manifest = replace(dataset.manifest, generations=(generation,), files=files.sealed)
    publish_manifest(staging, manifest)
    return record


def _shards_without(
    dataset: Dataset, staging: DatasetFolder, gone: frozenset[str], watch: CountProgress
) -> Iterator[UnindexedShard]:
    """Yield each shard as it will be; one that loses a sample is written when its turn comes."""
    wanted = pa.array(sorted(gone), pa.string())
    for shard in dataset.shards:
        if pc.any(pc.is_in(dataset.rows(shard, ["subject"])["subject"], wanted)).as_py():
            yield _rewrite(dataset, staging, shard, gone)
        else:
            yield UnindexedShard(shard, partial(dataset.rows, shard))
        watch(1)


def _rewrite(dataset: Dataset, staging: DatasetFolder, shard: Shard, gone: frozenset[str]) -> UnindexedShard:
    """Write the shard without the samples that go, from its own bytes, and check each of them."""
    hasher = blake3()
    staying = [each for each in dataset.samples(shard) if each.subject not in gone]
    try:
        with open_shard(dataset.path(shard), shard) as source, staging.publish(shard.name) as file:
            spool = TarWriter(file.write, [hasher.update])
            samples = [_copy(source.record(sample), spool) for sample in staying]
            size = spool.close()
    except Damaged as error:
        raise Damaged(f"{error} Nothing was removed.") from error
    rows = rows_to_table(samples, INDEX)
    shard = replace(shard, samples=len(rows), size=size, blake3=hasher.hexdigest(), rows=rows_digest(rows))
    return UnindexedShard(shard, lambda: rows)


def _copy(record: Record, spool: TarWriter) -> Sample:
    sample = record.sample
    payloads = (record.image, *(record.sidecars[each.ext] for each in sample.sidecars))
    image, *sidecars = (
        spool.add(sample.key, member.ext, member.size, partial(_fill, payload))
        for member, payload in zip(sample.members, payloads, strict=True)
    )
    spool.commit()
    return replace(sample, image=image, sidecars=tuple(sidecars))


def _fill(payload: bytes, into: memoryview) -> None:
    into[:] = payload


def _list_skips(dataset: Dataset, staging: DatasetFolder, gone: frozenset[str], number: int) -> Counter[str]:
    """Write the list of skipped inputs without those of removed subjects, and count its lines by reason."""
    is_about = skip_filter(dataset, gone)
    counts = Counter[str]()
    with staging.publish(skipped_name(number)) as file:
        for _, skip in read_skips(dataset):
            if not is_about(skip):
                file.write(skip.line)
                counts[skip.reason] += 1
    return counts


def _list_sums(dataset: Dataset, staging: DatasetFolder, shards: list[Shard], files: GenerationWriter) -> None:
    known = _known_sha256(dataset)

    def sha256(shard: Shard) -> str | None:
        if not known:
            return None
        if staging.exists(shard.name):
            return sha256_file(staging.path / shard.name, staging.dataset)
        return known.get(shard.name) or sha256_file(dataset.path(shard))

    digests = {shard.name: (shard.blake3, sha256(shard)) for shard in shards}
    files.sums(dataset.generation.number + 1, digests, sha256=bool(known))


def _known_sha256(dataset: Dataset) -> Mapping[str, str]:
    names = [sums_name("SHA256SUMS", each.number) for each in dataset.manifest.generations]
    lines = (line for name in names if name in dataset.manifest.files for line in read_lines(dataset, name))
    pairs = (line.decode("ascii", "replace").partition("  ") for line in lines)
    return {name: digest for digest, _, name in pairs}
