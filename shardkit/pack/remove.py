"""Forgetting subjects: the shards that hold them are written again without them, and the old ones go.

Everything that changes is made ready in the workplace. A staged manifest is the commit: before it the dataset is what
it was, and after it whoever comes next can put the staged files into their places, as often as it takes. Labels of
others stay, and that of a removed subject is never given again.
"""

import json
import os
from collections import Counter
from collections.abc import Callable, Container, Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
from blake3 import blake3

from shardkit.dataset import MANIFEST, Member, Sample, Shard
from shardkit.errors import Damaged, UsageError
from shardkit.format.digest import rows_digest, sha256_of
from shardkit.format.folder import DatasetFolder
from shardkit.format.key import encoded
from shardkit.format.manifest import canonical, publish_manifest, read_manifest
from shardkit.format.numbering import skipped_name
from shardkit.format.opened import Dataset, open_dataset
from shardkit.format.plain_file import plain_file
from shardkit.format.refusal import explained
from shardkit.format.tables import INDEX, from_rows
from shardkit.pack.deciding import versions
from shardkit.pack.generation import generation_of, publish_tables
from shardkit.pack.indexing import ToIndex, indexed
from shardkit.pack.proof import Skipped, refuse_strangers
from shardkit.pack.sealing import Sealing
from shardkit.pack.spool import Spool
from shardkit.pack.workspace import REMOVAL, REMOVAL_RECORD, clear, has_plan

Watch = Callable[[int], None]

_LARGEST_RECORD = 64 << 20


@dataclass(frozen=True)
class Removal:
    """What was forgotten."""

    subjects: tuple[str, ...]
    samples: int
    rewritten: tuple[str, ...]
    twins: tuple[tuple[str, str], ...]
    """(removed key, key that stays) of samples with the same bytes: of these, bytes are left."""

    def covers(self, names: Iterable[str]) -> bool:
        return all({name, encoded(os.fsencode(name))} & set(self.subjects) for name in names)


def staged(folder: Path) -> DatasetFolder:
    return DatasetFolder(folder).below(REMOVAL)


def committed(folder: Path) -> bool:
    return staged(folder).exists(MANIFEST)


def finish(folder: Path) -> Removal:
    """Put a committed removal into place, from wherever it was stopped, and tell what it was."""
    removal = _recorded(folder)
    inside, staging = DatasetFolder(folder), staged(folder)
    for name in (*staging.names(), *(f"index/{each}" for each in staging.names("index"))):
        if name not in {MANIFEST, "index"}:
            inside.move(f"{REMOVAL}/{name}", name)
    _drop_strangers(folder, read_manifest(staging.path).files)
    inside.move(f"{REMOVAL}/{MANIFEST}", MANIFEST)
    clear(folder)
    return removal


def _recorded(folder: Path) -> Removal:
    fields = json.loads(DatasetFolder(folder).read_bytes(REMOVAL_RECORD, _LARGEST_RECORD))
    twins = tuple((gone, stays) for gone, stays in fields["twins"])
    return Removal(tuple(fields["subjects"]), fields["samples"], tuple(fields["rewritten"]), twins)


def remove(folder: Path, names: list[str], watch: Watch) -> Removal:
    """Forget the subjects of these names; the caller holds the folder."""
    dataset = open_dataset(folder)
    gone = _encoded(dataset, names)
    if has_plan(folder):
        raise UsageError(
            f"{folder}: an append has not ended here. Run it again to its end, or with --replan, then remove."
        )
    refuse_strangers(dataset)
    inside = DatasetFolder(folder)
    inside.remove_folder(REMOVAL)
    inside.make_folder(REMOVAL)
    _stage(dataset, gone, watch)
    return finish(folder)


def _encoded(dataset: Dataset, names: list[str]) -> frozenset[str]:
    if dataset.manifest.options.get("adopted"):
        raise UsageError(
            f"{dataset.folder}: these tars were made by another tool, which must remove from them. Then index anew."
        )
    known = {each.subject for each in dataset.subjects}
    gone = frozenset(name if name in known else encoded(os.fsencode(name)) for name in names)
    missing = sorted(gone - known)
    if missing:
        raise UsageError(
            f"{dataset.folder}: no subject {missing[0]} is there. `shardkit ls {dataset.folder}` shows the keys."
        )
    return gone


def _stage(dataset: Dataset, gone: frozenset[str], watch: Watch) -> None:
    staging = staged(dataset.folder)
    files = Sealing(staging)
    number = dataset.generation.number + 1
    kept, lost = _parted(dataset, gone, staging, watch)
    used = [name for each in dataset.manifest.generations for name in each.index]
    shards = list(indexed(kept, used, files))
    subjects = [each for each in dataset.subjects if each.subject not in gone]
    lines = _skips_without(dataset, gone)
    files.bytes(skipped_name(number), b"".join(lines))
    generation = generation_of(
        number,
        "remove",
        versions(pixels=bool(dataset.manifest.preparation)),
        shards,
        subjects,
        index=(shard.index for shard in shards),
        packed=sum(shard.samples for shard in shards),
        skipped=Counter(json.loads(line)["reason"] for line in lines),
        before=dataset.splits,
    )
    publish_tables(files, generation, dataset.manifest, shards, subjects)
    _sums(dataset, shards, files, number)
    manifest = replace(dataset.manifest, generations=(generation,), files=files.sealed)
    rewritten = tuple(old.name for old, new in zip(dataset.shards, shards, strict=True) if old.blake3 != new.blake3)
    removal = Removal(tuple(sorted(gone)), len(lost), rewritten, _twins(lost, kept))
    DatasetFolder(dataset.folder).publish_bytes(REMOVAL_RECORD, canonical(asdict(removal)))
    publish_manifest(staging, manifest)


def _parted(
    dataset: Dataset, gone: frozenset[str], staging: DatasetFolder, watch: Watch
) -> tuple[list[ToIndex], list[Sample]]:
    """Every shard as it stays, and the samples that go."""
    kept: list[ToIndex] = []
    lost: list[Sample] = []
    for shard in dataset.shards:
        if pc.any(pc.is_in(dataset.rows(shard)["subject"], pa.array(sorted(gone)))).as_py():
            samples = dataset.samples(shard)
            lost += [each for each in samples if each.subject in gone]
            kept.append(_rewritten(dataset, shard, [each for each in samples if each.subject not in gone], staging))
        else:
            kept.append(ToIndex(shard, partial(dataset.rows, shard)))
        watch(1)
    return kept, lost


def _rewritten(dataset: Dataset, shard: Shard, staying: list[Sample], staging: DatasetFolder) -> ToIndex:
    """The shard without the samples that go, from its own bytes, each of which is checked on the way."""
    hasher = blake3()
    source = dataset.path(shard)
    with explained(source), plain_file(source, dataset.folder) as tar, staging.publish(shard.name) as file:
        spool = Spool(file.write, [hasher.update])
        samples = [_copied(sample, shard, tar.fileno(), spool) for sample in staying]
        size = spool.end()
    rows = from_rows(samples, INDEX)
    shard = replace(shard, samples=len(rows), size=size, blake3=hasher.hexdigest(), rows=rows_digest(rows))
    return ToIndex(shard, lambda: rows)


def _copied(sample: Sample, shard: Shard, tar: int, spool: Spool) -> Sample:
    members = [_copied_member(sample.key, each, shard, tar, spool) for each in sample.members]
    spool.keep()
    return replace(sample, image=members[0], sidecars=tuple(members[1:]))


def _copied_member(key: str, member: Member, shard: Shard, tar: int, spool: Spool) -> Member:
    def fill(payload: memoryview) -> None:
        os.preadv(tar, [payload], member.offset)

    copied = spool.add(key, member.ext, member.size, fill)
    if copied.xxh3 != member.xxh3:
        raise Damaged(
            f"{shard.name}: {key}.{member.ext} at offset {member.offset:,} is damaged, so nothing was removed. "
            "Repair the dataset first, then remove."
        )
    return copied


def _content(dataset: Dataset, name: str) -> bytes:
    with plain_file(dataset.folder / name, dataset.folder) as file:
        return file.read()


def _skips_without(dataset: Dataset, gone: frozenset[str]) -> list[bytes]:
    """The lists of what was skipped, without the lines about a removed subject."""
    lists = (_content(dataset, each.listed) for each in dataset.manifest.generations)
    about = Skipped.of(dataset.manifest.options)
    return sorted(line for listed in lists for line in listed.splitlines(keepends=True) if not about.names(line, gone))


def _sums(dataset: Dataset, shards: list[Shard], files: Sealing, number: int) -> None:
    known = _known_sha256(dataset)
    staging = staged(dataset.folder)

    def sha256(shard: Shard) -> str | None:
        if not known:
            return None
        return sha256_of(staging.path / shard.name) if staging.exists(shard.name) else known[shard.name]

    files.sums(number, {shard.name: (shard.blake3, sha256(shard)) for shard in shards}, sha256=bool(known))


def _known_sha256(dataset: Dataset) -> Mapping[str, str]:
    lists = [name for name in dataset.manifest.files if name.startswith("SHA256SUMS")]
    lines = [line for name in lists for line in _content(dataset, name).decode().splitlines()]
    return {name: digest for digest, _, name in (line.partition("  ") for line in lines)}


def _twins(lost: list[Sample], kept: list[ToIndex]) -> tuple[tuple[str, str], ...]:
    removed = {sample.image.xxh3: sample.key for sample in lost}
    wanted = pa.array(list(removed), pa.binary(16))
    twins: list[tuple[str, str]] = []
    for rows in (each.rows() for each in kept):
        digests = pc.struct_field(rows["image"].combine_chunks(), "xxh3")
        same = rows.filter(pc.is_in(digests, wanted))
        twins += [(removed[row["image"]["xxh3"]], row["key"]) for row in same.select(["key", "image"]).to_pylist()]
    return tuple(twins)


def _drop_strangers(folder: Path, belonging: Container[str]) -> None:
    """Remove the files of the generations before, which the new manifest does not know."""
    ours = ("shards*.parquet", "subjects-*.parquet", "skipped*.jsonl", "B3SUMS*", "SHA256SUMS*", "index/*.parquet")
    for path in (path for pattern in ours for path in folder.glob(pattern)):
        name = str(path.relative_to(folder))
        if name not in belonging:
            DatasetFolder(folder).remove_file(name)
