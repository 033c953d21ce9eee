"""What a dataset says about itself, as far as it can still be made out.

A damaged manifest or table is a finding and no end: what it said is asked from the others, so that one flipped bit does
not keep a terabyte from being checked.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from shardkit.dataset import MANIFEST, Manifest, Shard, Subject
from shardkit.errors import Damaged
from shardkit.format.manifest import read_manifest
from shardkit.format.opened import Dataset
from shardkit.verify.findings import Finding, Kind
from shardkit.verify.listed import listed
from shardkit.verify.reading import UNREADABLE, is_regular, reason_of
from shardkit.verify.remade import remade_manifest

Result = TypeVar("Result")


@dataclass(frozen=True)
class Claims:
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


def claims_of(folder: Path) -> tuple[Claims, list[Finding]]:
    findings: list[Finding] = []
    dataset = _dataset(folder, findings)
    sealed = dataset is not None and not findings and is_regular(folder / MANIFEST)
    shards = _read(lambda: dataset.shards, findings) if dataset else None
    subjects = _read(lambda: dataset.subjects, findings) if dataset else None
    return Claims(
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
            findings.append(Finding(Kind.MANIFEST, MANIFEST, text=reason_of(error)))
        manifest = _remade(folder)
    return None if manifest is None else Dataset(folder, manifest, manifest.current)


def _remade(folder: Path) -> Manifest | None:
    try:
        return remade_manifest(folder)
    except UNREADABLE:
        return None


def _read(table: Callable[[], Result], findings: list[Finding]) -> Result | None:
    try:
        return table()
    except UNREADABLE as error:
        findings.append(_unread(error))
        return None


def _unread(error: Exception) -> Finding:
    return Finding(Kind.TABLE, Path(str(error).partition(": ")[0]).name, text=reason_of(error))


def _files(folder: Path, dataset: Dataset | None, *, sealed: bool) -> dict[str, tuple[str, int | None]]:
    if dataset is not None:
        return {name: (seal.blake3, seal.size if sealed else None) for name, seal in dataset.manifest.files.items()}
    known = {name: digest for name, digest in listed(folder).items() if not name.endswith(".tar")}
    return {name: (digest, None) for name, digest in known.items()}


def _tars(folder: Path) -> dict[str, str]:
    return {name: digest for name, digest in listed(folder).items() if name.endswith(".tar")}
