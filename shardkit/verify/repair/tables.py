"""Repair of the tables of shards and subjects, rebuilt from the index and the tars that they describe."""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from xxhash import xxh3_128

from shardkit.errors import Damaged
from shardkit.format.digests import rows_digest
from shardkit.format.generation import class_map_digest, generation_digest, sums_name
from shardkit.format.manifest import spare_copy
from shardkit.format.table_limits import MOST_OF_A_GROUP
from shardkit.format.tables import INDEX, SHARDS, SUBJECTS, TableFile, from_rows, readable, samples_of, write_table
from shardkit.format.tar import END
from shardkit.reader.dataset import Dataset
from shardkit.schema import Generation, Shard, Subject
from shardkit.storage.local import UNREADABLE, chunks, opened, seal_of
from shardkit.verify.expected import listed_in
from shardkit.verify.members import columns_of, end_of, tally_of
from shardkit.verify.repair.context import Mending, own_shards


def mend_shards_tables(mending: Mending) -> None:
    for generation in mending.manifest.generations:
        if generation.shards in mending.broken:
            _mend_shards(mending, generation)


def _mend_shards(mending: Mending, generation: Generation) -> None:
    try:
        shards = list(_shards(mending, generation))
        earlier = mending.before(generation)
        before = earlier.shards if earlier else ()
    except UNREADABLE as error:
        mending.give_up(generation.shards, f"What it said cannot be told from the index and B3SUMS ({error}).")
        return
    if generation_digest([*before, *shards]) != generation.digest:
        mending.give_up(generation.shards, "What the index and B3SUMS tell is not what was sealed.")
        return
    rows = [from_rows(shards, SHARDS)]
    write_table(mending.inside, generation.shards, SHARDS, rows, spare_copy(mending.manifest, generation))
    mending.mended(generation.shards, "written again; the digest of the dataset proves it.")


def _shards(mending: Mending, generation: Generation) -> Iterator[Shard]:
    """The row groups of the index, in their order, are the tars of each split, in the order of their names."""
    digests = listed_in(mending.folder / sums_name("B3SUMS", generation.number))
    tars = sorted(name for name in digests if name.endswith(".tar"))
    for index in generation.index:
        split = index.removeprefix("index/").rpartition("-")[0]
        path = mending.folder / index
        with readable(path, mending.folder):
            file = TableFile(path, mending.folder)
            for row_group in range(file.metadata.num_row_groups):
                name = tars.pop(0)
                rows = file.read_group(row_group, INDEX, MOST_OF_A_GROUP)
                if name.rpartition("-")[0] != split:
                    raise Damaged(f"{index} has a row group that belongs to no tar of {split}")
                columns = columns_of(rows)
                adopted = bool(rows["other"].null_count < len(rows))
                size = (mending.folder / name).lstat().st_size if adopted else end_of(columns) + len(END)
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
                    other=_behind(mending.folder / name, columns.ends[-1], size) if adopted else None,
                )
    if tars:
        raise Damaged(f"{tars[0]} has no rows in the index")


def _behind(path: Path, start: int, size: int) -> bytes:
    hasher = xxh3_128()
    with opened(path) as descriptor:
        for chunk in chunks(descriptor, start, size):
            hasher.update(chunk)
    return hasher.digest()


def mend_subjects(mending: Mending) -> None:
    for generation in mending.manifest.generations:
        if generation.subjects in mending.broken:
            _mend_subjects(mending, generation)


def _mend_subjects(mending: Mending, generation: Generation) -> None:
    try:
        earlier = mending.before(generation)
        before = {_who(each): each for each in earlier.subjects} if earlier else {}
        subjects = _subjects(mending.at(generation), generation)
    except UNREADABLE as error:
        mending.give_up(generation.subjects, f"What it said cannot be told from the index ({error}).")
        return
    everyone = before | {_who(each): each for each in subjects}
    if class_map_digest(everyone.values()) != generation.class_map:
        why = "The index does not tell everyone: of some subjects every image was skipped."
        mending.give_up(generation.subjects, why)
        return
    write_table(mending.inside, generation.subjects, SUBJECTS, [from_rows(subjects, SUBJECTS)])
    same = seal_of(mending.folder / generation.subjects) == mending.manifest.files[generation.subjects]
    how = "byte for byte" if same else "the digest of the class map proves its labels"
    mending.mended(generation.subjects, f"written again from the index; {how}.")


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
