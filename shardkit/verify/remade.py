"""A manifest made again from the tables, which keep a spare copy of what it alone would know."""

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from shardkit.dataset import Generation, Manifest, Seal, Shard, Subject
from shardkit.errors import Damaged
from shardkit.format.digest import seal_of
from shardkit.format.numbering import shards_name, skipped_name, subjects_name, sums_name
from shardkit.format.spare import Spare, read_spare
from shardkit.format.tables import SHARDS, SUBJECTS, read_table, shards_of, subjects_of
from shardkit.format.totals import class_map_digest, generation_digest, totals
from shardkit.verify.listed import LARGEST, listed
from shardkit.verify.reading import UNREADABLE
from shardkit.verify.workspace import packing

_SHARDS = re.compile(r"shards(?:-(\d{5}))?\.parquet")


def remade_manifest(folder: Path) -> Manifest:
    """What the manifest said, if all tables can be read; files that are known from B3SUMS keep that seal."""
    known = listed(folder)
    generations: list[Generation] = []
    files: dict[str, Seal] = {}
    shards: list[Shard] = []
    subjects: dict[tuple[str, str], Subject] = {}
    spare: Spare | None = None
    underway = packing(folder).files
    for number in (each for each in _numbers(folder) if shards_name(each) not in underway):
        spare = read_spare(folder / shards_name(number))
        own = shards_of(read_table(folder / shards_name(number), SHARDS))
        shards += own
        table = subjects_of(read_table(folder / subjects_name(number), SUBJECTS))
        subjects |= {(each.split, each.subject): each for each in table}
        generation = _generation(spare, shards, own, list(subjects.values()))
        generations.append(generation)
        files |= {name: _seal(folder, name, known) for name in _files(folder, generation)}
    if spare is None:
        raise Damaged(f"{folder}: no table of shards is there.")
    first = read_spare(folder / shards_name(generations[0].number))
    return Manifest(
        options=first.options,
        codec=first.codec,
        choice=first.choice,
        preparation=first.preparation,
        splitting=first.splitting,
        generations=tuple(generations),
        files=files,
    )


def _numbers(folder: Path) -> list[int]:
    found = filter(None, (_SHARDS.fullmatch(path.name) for path in folder.glob("shards*.parquet")))
    return sorted(int(each[1] or 0) for each in found)


def _generation(spare: Spare, shards: list[Shard], own: list[Shard], subjects: list[Subject]) -> Generation:
    number = spare.number
    computed = totals(shards, subjects)
    return Generation(
        number=number,
        by=spare.by,
        digest=generation_digest(shards),
        class_map=class_map_digest(subjects),
        versions=spare.versions,
        splits={split: replace(each, classes=spare.classes[split]) for split, each in computed.items()},
        packed=sum(shard.samples for shard in own),
        skipped=spare.skipped,
        shards=shards_name(number),
        subjects=subjects_name(number),
        listed=skipped_name(number),
        index=tuple(dict.fromkeys(shard.index for shard in own)),
    )


def _files(folder: Path, generation: Generation) -> Iterator[str]:
    yield from generation.index
    yield from (generation.shards, generation.subjects, generation.listed)
    sums = (sums_name(kind, generation.number) for kind in ("B3SUMS", "SHA256SUMS"))
    yield from (name for name in sums if (folder / name).exists())


def _seal(folder: Path, name: str, known: dict[str, str]) -> Seal:
    """Return what is known of a file; one that is not listed, and too large to be ours, never matches its seal."""
    try:
        size = (folder / name).lstat().st_size
        return (
            Seal(known[name], size) if name in known else seal_of(folder / name) if size <= LARGEST else Seal("", size)
        )
    except UNREADABLE:
        return Seal(known.get(name, ""), 0)
