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
from shardkit.format.generation import generation_of, skipped_name, sums_name
from shardkit.format.manifest import publish_manifest
from shardkit.format.tables import INDEX, from_rows
from shardkit.pack.generation import Sealing, ToIndex, indexed, publish_tables, versions
from shardkit.pack.remove.preview import Removal
from shardkit.pack.remove.proof import check_no_other_file, read_lines, read_skips, skip_filter
from shardkit.pack.remove.staging import RemovalRecord, finish, staged, write_record
from shardkit.pack.workspace import REMOVAL, has_plan
from shardkit.pack.write.tar_writer import Spool
from shardkit.reader.dataset import Dataset
from shardkit.reader.shard import Record, opened_shard
from shardkit.schema import Sample, Shard
from shardkit.storage.folder import DatasetFolder
from shardkit.storage.local import sha256_of

Watch = Callable[[int], None]


def check_removable(dataset: Dataset) -> None:
    """Raise UsageError if the folder has files that a removal could not account for."""
    if has_plan(dataset.folder):
        raise UsageError(
            f"dataset {str(dataset.folder)!r}: an append was interrupted, so no subject can be removed yet. "
            "Run the same append again, or add --replan to it to discard it; then remove."
        )
    check_no_other_file(dataset)


def remove(dataset: Dataset, removal: Removal, watch: Watch) -> RemovalRecord:
    """Write the dataset again without the subjects of a removal; the caller holds the folder."""
    DatasetFolder(dataset.folder).remove_folder(REMOVAL)
    record = _stage(dataset, staged(dataset.folder), removal, watch)
    finish(dataset.folder)
    return record


def _stage(dataset: Dataset, staging: DatasetFolder, removal: Removal, watch: Watch) -> RemovalRecord:
    files = Sealing(staging)
    number = dataset.generation.number + 1
    gone = frozenset(removal.subjects)
    used = [name for each in dataset.manifest.generations for name in each.index]
    shards = list(indexed(_shards_without(dataset, staging, gone, watch), used, files))
    subjects = [each for each in dataset.subjects if each.subject not in gone]
    skipped = _list_skips(dataset, staging, gone, number)
    files.seal(skipped_name(number))
    generation = generation_of(
        number,
        "remove",
        versions(pixels=bool(dataset.manifest.preparation)),
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


def _shards_without(dataset: Dataset, staging: DatasetFolder, gone: frozenset[str], watch: Watch) -> Iterator[ToIndex]:
    """Yield each shard as it will be; one that loses a sample is written when its turn comes."""
    wanted = pa.array(sorted(gone), pa.string())
    for shard in dataset.shards:
        if pc.any(pc.is_in(dataset.rows(shard, ["subject"])["subject"], wanted)).as_py():
            yield _rewrite(dataset, staging, shard, gone)
        else:
            yield ToIndex(shard, partial(dataset.rows, shard))
        watch(1)


def _rewrite(dataset: Dataset, staging: DatasetFolder, shard: Shard, gone: frozenset[str]) -> ToIndex:
    """Write the shard without the samples that go, from its own bytes, and check each of them."""
    hasher = blake3()
    staying = [each for each in dataset.samples(shard) if each.subject not in gone]
    try:
        with opened_shard(dataset.path(shard), shard) as source, staging.publish(shard.name) as file:
            spool = Spool(file.write, [hasher.update])
            samples = [_copy(source.record(sample), spool) for sample in staying]
            size = spool.end()
    except Damaged as error:
        raise Damaged(f"{error} Nothing was removed.") from error
    rows = from_rows(samples, INDEX)
    shard = replace(shard, samples=len(rows), size=size, blake3=hasher.hexdigest(), rows=rows_digest(rows))
    return ToIndex(shard, lambda: rows)


def _copy(record: Record, spool: Spool) -> Sample:
    sample = record.sample
    payloads = (record.image, *(record.sidecars[each.ext] for each in sample.sidecars))
    image, *sidecars = (
        spool.add(sample.key, member.ext, member.size, partial(_fill, payload))
        for member, payload in zip(sample.members, payloads, strict=True)
    )
    spool.keep()
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


def _list_sums(dataset: Dataset, staging: DatasetFolder, shards: list[Shard], files: Sealing) -> None:
    known = _known_sha256(dataset)

    def sha256(shard: Shard) -> str | None:
        if not known:
            return None
        if staging.exists(shard.name):
            return sha256_of(staging.path / shard.name, staging.dataset)
        return known.get(shard.name) or sha256_of(dataset.path(shard))

    digests = {shard.name: (shard.blake3, sha256(shard)) for shard in shards}
    files.sums(dataset.generation.number + 1, digests, sha256=bool(known))


def _known_sha256(dataset: Dataset) -> Mapping[str, str]:
    names = [sums_name("SHA256SUMS", each.number) for each in dataset.manifest.generations]
    lines = (line for name in names if name in dataset.manifest.files for line in read_lines(dataset, name))
    pairs = (line.decode("ascii", "replace").partition("  ") for line in lines)
    return {name: digest for digest, _, name in pairs}
