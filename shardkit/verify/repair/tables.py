"""Repair of the tables of shards and subjects, rebuilt from the index and the tars that they describe."""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from xxhash import xxh3_128

from shardkit.errors import Damaged
from shardkit.format.digests import rows_digest
from shardkit.format.generation import class_map_digest, generation_digest, sums_name
from shardkit.format.manifest import encode_backup
from shardkit.format.table_limits import GROUP_LIMITS
from shardkit.format.tables import (
    INDEX,
    SHARDS,
    SUBJECTS,
    TableFile,
    parquet_errors,
    rows_to_table,
    samples_of,
    write_table,
)
from shardkit.format.tar import END_BLOCKS
from shardkit.reader.dataset import Dataset
from shardkit.schema import Generation, Shard, Subject
from shardkit.storage.local import READ_ERRORS, hash_file, opened_fd, read_chunks
from shardkit.verify.member_table import end_offset, member_table, tally_of
from shardkit.verify.recorded import parse_checksums
from shardkit.verify.repair.context import RepairContext, own_shards


def repair_shard_tables(mending: RepairContext) -> None:
    for generation in mending.manifest.generations:
        if generation.shards in mending.broken:
            _repair_shard_table(mending, generation)


def _repair_shard_table(mending: RepairContext, generation: Generation) -> None:
    try:
        shards = list(_shards(mending, generation))
        earlier = mending.before(generation)
        before = earlier.shards if earlier else ()
    except READ_ERRORS as error:
        mending.unrepairable(generation.shards, f"What it said cannot be told from the index and B3SUMS ({error}).")
        return
    if generation_digest([*before, *shards]) != generation.digest:
        mending.unrepairable(generation.shards, "What the index and B3SUMS tell is not what was sealed.")
        return
    rows = [rows_to_table(shards, SHARDS)]
    write_table(mending.inside, generation.shards, SHARDS, rows, encode_backup(mending.manifest, generation))
    mending.repaired(generation.shards, "written again; the digest of the dataset proves it.")


def _shards(mending: RepairContext, generation: Generation) -> Iterator[Shard]:
    """The row groups of the index, in their order, are the tars of each split, in the order of their names."""
    digests = parse_checksums(mending.folder / sums_name("B3SUMS", generation.number))
    tars = sorted(name for name in digests if name.endswith(".tar"))
    for index in generation.index:
        split = index.removeprefix("index/").rpartition("-")[0]
        path = mending.folder / index
        with parquet_errors(path, mending.folder):
            file = TableFile(path, mending.folder)
            for row_group in range(file.metadata.num_row_groups):
                name = tars.pop(0)
                rows = file.read_group(row_group, INDEX, GROUP_LIMITS)
                if name.rpartition("-")[0] != split:
                    raise Damaged(f"{index} has a row group that belongs to no tar of {split}")
                columns = member_table(rows)
                adopted = bool(rows["other"].null_count < len(rows))
                size = (mending.folder / name).lstat().st_size if adopted else end_offset(columns) + len(END_BLOCKS)
                generations = {each.generation for each in samples_of(rows.slice(0, 1))}
                yield Shard(
                    name=name,
                    split=split,
                    samples=len(rows),
                    size=size,
                    blake3=digests[name],
                    rows=rows_digest(rows),
                    index=index,
                    row_group=row_group,
                    generation=generations.pop() if generations else generation.number,
                    other=_hash_range(mending.folder / name, columns.ends[-1], size) if adopted else None,
                )
    if tars:
        raise Damaged(f"{tars[0]} has no rows in the index")


def _hash_range(path: Path, start: int, size: int) -> bytes:
    hasher = xxh3_128()
    with opened_fd(path) as descriptor:
        for chunk in read_chunks(descriptor, start, size):
            hasher.update(chunk)
    return hasher.digest()


def repair_subjects(mending: RepairContext) -> None:
    for generation in mending.manifest.generations:
        if generation.subjects in mending.broken:
            _repair_subject_table(mending, generation)


def _repair_subject_table(mending: RepairContext, generation: Generation) -> None:
    try:
        earlier = mending.before(generation)
        before = {_who(each): each for each in earlier.subjects} if earlier else {}
        subjects = _subjects(mending.dataset_at(generation), generation)
    except READ_ERRORS as error:
        mending.unrepairable(generation.subjects, f"What it said cannot be told from the index ({error}).")
        return
    everyone = before | {_who(each): each for each in subjects}
    if class_map_digest(everyone.values()) != generation.class_map:
        why = "The index does not tell everyone: of some subjects every image was skipped."
        mending.unrepairable(generation.subjects, why)
        return
    write_table(mending.inside, generation.subjects, SUBJECTS, [rows_to_table(subjects, SUBJECTS)])
    same = hash_file(mending.folder / generation.subjects) == mending.manifest.files[generation.subjects]
    how = "byte for byte" if same else "the digest of the class map proves its labels"
    mending.repaired(generation.subjects, f"written again from the index; {how}.")


def _who(subject: Subject) -> tuple[str, str]:
    return subject.split, subject.subject


def _subjects(dataset: Dataset, generation: Generation) -> list[Subject]:
    """Those whom the shards of the generation hold, with all the impressions that they have had by then."""
    impressions = Counter[tuple[str, str]]()
    for shard in dataset.shards:
        for (split, subject, _, _), count in tally_of(shard.split, dataset.rows(shard)).items():
            impressions[split, subject] += count
    found: dict[tuple[str, str], Subject] = {}
    for shard in sorted(own_shards(dataset, generation), key=lambda each: (each.generation, each.name)):
        for split, name, group, label in tally_of(shard.split, dataset.rows(shard)):
            count = impressions[split, name]
            found[split, name] = Subject(name, group, split, label, count, shard.generation)
    return list(found.values())
