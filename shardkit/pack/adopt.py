"""Adopting tars that other tools wrote: they become a dataset where they lie, and are only read.

What is written is the dataset's own files beside them. Until the manifest is there, nothing counts, and the same
command goes on where it stopped.
"""

import os
from collections.abc import Iterable
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from shardkit.dataset import MANIFEST, Manifest
from shardkit.errors import Mismatch, UsageError
from shardkit.format.folder import DatasetFolder
from shardkit.format.lock import locked
from shardkit.format.manifest import publish_manifest, read_manifest, refuse_odd_name
from shardkit.format.numbering import (
    shards_name,
    skipped_name,
    subjects_name,
    sums_name,
)
from shardkit.format.opened import open_dataset
from shardkit.pack.adopt_key import KeyTemplate
from shardkit.pack.adopt_merge import merged
from shardkit.pack.adopt_names import names_in
from shardkit.pack.adopt_part import FIRST, AdoptOptions, TarPart
from shardkit.pack.adopt_tar import read_tar
from shardkit.pack.engines import local
from shardkit.pack.shard import Watch
from shardkit.pack.workspace import ADOPTED, clear, has_plan

_OURS = ("index", shards_name(FIRST), subjects_name(FIRST), skipped_name(FIRST), sums_name("B3SUMS", FIRST))


@dataclass(frozen=True)
class Adoption:
    """What is to be adopted: the names of tars that lie in the folder."""

    folder: Path
    tars: tuple[str, ...]
    options: AdoptOptions


@dataclass(frozen=True)
class Adopted:
    manifest: Manifest
    strangers: tuple[str, ...]
    """Files in the folder that are no part of the dataset, by name."""


def adoption(tars: Iterable[str], folder: Path, options: AdoptOptions) -> Adoption:
    if not folder.is_dir():
        raise UsageError(f"{folder}: there is no such folder. Name the one that holds the tars.")
    if options.key:
        KeyTemplate.parsed(options.key)
    names = names_in(folder, tars)
    refuse_odd_name(options.split, Path("--split"))
    return Adoption(folder, names, options)


def adopted(wanted: Adoption, workers: int, watch: Watch, *, replan: bool = False) -> Adopted:
    folder = wanted.folder
    with locked(folder):
        if replan:
            _forget(folder)
        manifest = _adopted_already(wanted)
        if manifest is None:
            _begin(folder)
            with closing(local.each(partial(_read_one, wanted, watch), wanted.tars, workers)) as read:
                parts = list(read)
            manifest = merged(folder, parts, wanted.options)
            publish_manifest(DatasetFolder(folder), manifest)
        clear(folder)
    return Adopted(manifest, _strangers(wanted, manifest))


def _read_one(wanted: Adoption, watch: Watch, name: str, stop: local.Stop) -> TarPart:
    def told(images: int, size: int) -> None:
        stop.check()
        watch(images, size)

    return read_tar(wanted.folder, name, wanted.options, told)


def _adopted_already(wanted: Adoption) -> Manifest | None:
    """The dataset, if it is whole and of these tars: the same command again has nothing left to do."""
    folder = wanted.folder
    if not (folder / MANIFEST).exists():
        return None
    dataset = open_dataset(folder)
    if dataset.manifest.options != wanted.options.record():
        raise Mismatch(
            f"{folder}: is a dataset already, made with other options. Run the command as it was run first, or add "
            "--replan to index adopted tars anew."
        )
    there = {shard.name: shard.size for shard in dataset.shards}
    if there != {name: (folder / name).stat().st_size for name in wanted.tars}:
        raise Mismatch(f"{folder}: is a dataset already, of other tars. Add --replan to index the tars anew.")
    return dataset.manifest


def _forget(folder: Path) -> None:
    """Throw an index away, never a pack. The manifest goes first: what is left is known to be ours to replace."""
    if not (folder / MANIFEST).exists():
        return
    manifest = read_manifest(folder)
    if not manifest.options.get("adopted") or len(manifest.generations) > 1:
        raise UsageError(f"{folder}: holds what was packed, not adopted, and --replan does not touch that.")
    inside = DatasetFolder(folder)
    inside.make_folder(ADOPTED)
    inside.remove_file(MANIFEST)
    inside.flush()


def _begin(folder: Path) -> None:
    """Claim the names that will be written, unless they are somebody else's."""
    inside = DatasetFolder(folder)
    if has_plan(folder):
        raise Mismatch(f"{folder}: a pack was begun here and has not ended. Run that `shardkit pack` command again.")
    if not inside.exists(ADOPTED):
        taken = next((name for name in _OURS if inside.exists(name)), None)
        if taken:
            raise UsageError(f"{folder}: holds {taken}, which would be overwritten. Move it away, then run again.")
    inside.remove_folder("index")
    inside.make_folder(ADOPTED)


def _strangers(wanted: Adoption, manifest: Manifest) -> tuple[str, ...]:
    known = {MANIFEST, *wanted.tars, *(name.partition("/")[0] for name in manifest.files)}
    return tuple(sorted({each.name for each in os.scandir(wanted.folder)} - known))
