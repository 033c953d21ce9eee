"""Contents that a dataset records, as far as they can still be read.

A damaged manifest or table is a finding, not the end: its contents come from the other files, so that one flipped bit
does not prevent the check of a terabyte. Digests come from any B3SUMS; the manifest is rebuilt from the tables, which
hold a copy of everything that no other file has.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeVar

from shardkit.errors import Damaged
from shardkit.format.generation import (
    class_map_digest,
    generation_digest,
    shards_name,
    skipped_name,
    split_totals,
    subjects_name,
    sums_name,
)
from shardkit.format.keys import FILE_NAME
from shardkit.format.manifest import ManifestBackup, read_backup, read_manifest
from shardkit.format.tables import SHARDS, SUBJECTS, read_table, shards_of, subjects_of
from shardkit.reader.dataset import Dataset
from shardkit.schema import MANIFEST, Generation, Manifest, Seal, Shard, Subject
from shardkit.storage.local import READ_ERRORS, describe_error, hash_file, is_regular, iter_lines
from shardkit.verify.findings import Finding, FindingKind
from shardkit.verify.workspace import find_unfinished_pack

_LINE = re.compile(r"([0-9a-f]{64})  (.+)")

MAX_FILE_SIZE = 1 << 30
"""A list of a dataset is smaller: 8 million files with names of 64 bytes."""


def checksums_on_disk(folder: Path) -> dict[str, str]:
    """The BLAKE3 of every file that some B3SUMS lists."""
    return {name: digest for path in sorted(folder.glob("B3SUMS*")) for name, digest in parse_checksums(path).items()}


def parse_checksums(path: Path) -> dict[str, str]:
    """What one list says; a damaged line is no line, and what cannot be read says nothing."""
    found: dict[str, str] = {}
    if not is_regular(path) or path.stat().st_size > MAX_FILE_SIZE:
        return found
    with suppress(*READ_ERRORS):
        for line in iter_lines(path):
            match = _LINE.fullmatch(line.decode("ascii", "replace"))
            if match and FILE_NAME.fullmatch(match[2].removeprefix("index/")):
                found[match[2]] = match[1]
    return found


_SHARDS = re.compile(r"shards(?:-(\d{5}))?\.parquet")


def rebuild_manifest(folder: Path) -> Manifest:
    """What the manifest said, if all tables can be read; files that are known from B3SUMS keep that seal."""
    known = checksums_on_disk(folder)
    generations: list[Generation] = []
    files: dict[str, Seal] = {}
    shards: list[Shard] = []
    subjects: dict[tuple[str, str], Subject] = {}
    spare: ManifestBackup | None = None
    underway = find_unfinished_pack(folder).files
    for number in (each for each in _numbers(folder) if shards_name(each) not in underway):
        spare = read_backup(folder / shards_name(number))
        own = shards_of(read_table(folder / shards_name(number), SHARDS))
        shards += own
        table = subjects_of(read_table(folder / subjects_name(number), SUBJECTS))
        subjects |= {(each.split, each.subject): each for each in table}
        generation = _generation(spare, shards, own, list(subjects.values()))
        generations.append(generation)
        files |= {name: _seal(folder, name, known) for name in _files_of(folder, generation)}
    if spare is None:
        raise Damaged(f"{folder}: no table of shards is there.")
    first = read_backup(folder / shards_name(generations[0].number))
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


def _generation(spare: ManifestBackup, shards: list[Shard], own: list[Shard], subjects: list[Subject]) -> Generation:
    number = spare.number
    computed = split_totals(shards, subjects)
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


def _files_of(folder: Path, generation: Generation) -> Iterator[str]:
    yield from generation.index
    yield from (generation.shards, generation.subjects, generation.listed)
    sums = (sums_name(kind, generation.number) for kind in ("B3SUMS", "SHA256SUMS"))
    yield from (name for name in sums if (folder / name).exists())


def _seal(folder: Path, name: str, known: dict[str, str]) -> Seal:
    """Return what is known of a file; one that is not listed, and too large to be ours, never matches its seal."""
    try:
        size = (folder / name).lstat().st_size
        return (
            Seal(known[name], size)
            if name in known
            else hash_file(folder / name)
            if size <= MAX_FILE_SIZE
            else Seal("", size)
        )
    except READ_ERRORS:
        return Seal(known.get(name, ""), 0)


Result = TypeVar("Result")


@dataclass(frozen=True)
class Expected:
    folder: Path
    dataset: Dataset | None
    """None when the manifest is damaged and the tables cannot stand in for it."""
    sealed: bool
    """Whether the manifest is what it was."""
    files: Mapping[str, tuple[str, int | None]]
    """BLAKE3 and size of every file that is no tar; a size that nobody remembers is None."""
    shards: tuple[Shard, ...]
    subjects: tuple[Subject, ...] | None
    tars: Mapping[str, str]
    """The BLAKE3 of tars of which no more is known."""

    @property
    def sizes(self) -> dict[str, int | None]:
        """Every file that belongs to the dataset."""
        return {
            MANIFEST: None,
            **dict.fromkeys(self.tars),
            **{name: size for name, (_, size) in self.files.items()},
            **{shard.name: shard.size for shard in self.shards},
        }


def load_expected(folder: Path) -> tuple[Expected, list[Finding]]:
    findings: list[Finding] = []
    dataset = _dataset(folder, findings)
    sealed = dataset is not None and not findings and is_regular(folder / MANIFEST)
    shards = _read(lambda: dataset.shards, findings) if dataset else None
    subjects = _read(lambda: dataset.subjects, findings) if dataset else None
    return Expected(
        folder=folder,
        dataset=dataset,
        sealed=sealed,
        files=_files(folder, dataset, sealed=sealed),
        shards=shards or (),
        subjects=subjects,
        tars=_tars(folder) if shards is None else {},
    ), findings


def _dataset(folder: Path, findings: list[Finding]) -> Dataset | None:
    manifest: Manifest | None
    try:
        manifest = read_manifest(folder)
    except Damaged as error:
        if is_regular(folder / MANIFEST):  # else it is odd, which is told elsewhere
            findings.append(Finding(FindingKind.MANIFEST, MANIFEST, text=describe_error(error)))
        manifest = _remade(folder)
    return None if manifest is None else Dataset(folder, manifest, manifest.current)


def _remade(folder: Path) -> Manifest | None:
    try:
        return rebuild_manifest(folder)
    except READ_ERRORS:
        return None


def _read(table: Callable[[], Result], findings: list[Finding]) -> Result | None:
    try:
        return table()
    except READ_ERRORS as error:
        findings.append(_unread(error))
        return None


def _unread(error: Exception) -> Finding:
    return Finding(FindingKind.TABLE, Path(str(error).partition(": ")[0]).name, text=describe_error(error))


def _files(folder: Path, dataset: Dataset | None, *, sealed: bool) -> dict[str, tuple[str, int | None]]:
    if dataset is not None:
        return {name: (seal.blake3, seal.size if sealed else None) for name, seal in dataset.manifest.files.items()}
    known = {name: digest for name, digest in checksums_on_disk(folder).items() if not name.endswith(".tar")}
    return {name: (digest, None) for name, digest in known.items()}


def _tars(folder: Path) -> dict[str, str]:
    return {name: digest for name, digest in checksums_on_disk(folder).items() if name.endswith(".tar")}
