"""Repair of lists and manifest: skipped inputs, checksum lists, digests of tables, the manifest, stale files.

Skipped inputs are found by scanning the tree and trying again. The manifest comes last: it is rebuilt if it is lost,
and gets a new digest if another pyarrow wrote the same rows to other bytes.
"""

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
from blake3 import blake3

from shardkit.errors import BadInput, Damaged, ShardkitError
from shardkit.format.digests import sums
from shardkit.format.generation import sums_name
from shardkit.format.manifest import LARGEST, manifest_bytes, publish_manifest
from shardkit.pack.options import PackOptions
from shardkit.pack.plan.draft import EXCLUDED, EXCLUDED_BY
from shardkit.pack.source.candidates import Skip
from shardkit.pack.source.layout import Layout
from shardkit.pack.source.scan import scan
from shardkit.reader.dataset import Dataset
from shardkit.schema import MANIFEST, Generation
from shardkit.storage.local import UNREADABLE, seal_of, sha256_of
from shardkit.verify.findings import Kind, plain
from shardkit.verify.repair.context import Mending
from shardkit.verify.repair.index import stored_images


def mend_skipped(mending: Mending) -> None:
    for generation in mending.manifest.generations:
        if generation.listed not in mending.broken:
            continue
        content = b"" if not generation.skipped else _skipped_again(mending, generation)
        if content is not None and blake3(content).hexdigest() == mending.manifest.files[generation.listed].blake3:
            mending.inside.publish_bytes(generation.listed, content)
            mending.mended(generation.listed, "written again, byte for byte.")
        else:
            why = "Only the source as it was then tells which inputs were skipped; the manifest still counts them."
            mending.give_up(generation.listed, why if mending.source else f"{why} Name it with --source.")


def _skipped_again(mending: Mending, generation: Generation) -> bytes | None:
    """Scan the tree again, and try again what is in it and not in the dataset."""
    options = mending.manifest.options
    if mending.source is None or mending.manifest.is_from_arrays or options.get("adopted"):
        return None

    try:
        return skipped_in(mending.source, mending.dataset, generation)
    except (ShardkitError, OSError):
        return None


def mend_sums(mending: Mending) -> None:
    """Once all else is whole: they follow from it."""
    for generation in mending.manifest.generations:
        name = sums_name("B3SUMS", generation.number)
        if name in mending.broken:
            files = {each: mending.manifest.files[each].blake3 for each in _beside_tars(generation)}
            _write(mending, name, {shard.name: shard.blake3 for shard in mending.own(generation)} | files)
        name = sums_name("SHA256SUMS", generation.number)
        if name in mending.broken:
            names = [*(shard.name for shard in mending.own(generation)), *_beside_tars(generation)]
            try:
                _write(mending, name, {each: sha256_of(mending.folder / each, mending.folder) for each in names})
            except UNREADABLE as error:
                mending.give_up(name, f"It needs every file to be whole ({error}).")


def _write(mending: Mending, name: str, digests: dict[str, str]) -> None:
    mending.inside.publish_bytes(name, sums(digests))
    mending.mended(name, "written again.")


def _beside_tars(generation: Generation) -> Iterator[str]:
    yield from (*generation.index, generation.shards, generation.subjects, generation.listed)


_SELF = re.compile(rb'"self":"([0-9a-f]{64})"')


def reseal(mending: Mending) -> None:
    """Another pyarrow writes the same rows as other bytes: then the seals follow, and the sums after them."""
    sealed = {
        name: seal_of(mending.folder / name, mending.folder)
        for name in mending.rewritten
        if name in mending.manifest.files
    }
    changed = {name: seal for name, seal in sealed.items() if seal != mending.manifest.files[name]}
    if not changed:
        return
    mending.use(replace(mending.manifest, files={**mending.manifest.files, **changed}))
    numbers = [generation.number for generation in mending.manifest.generations]
    sums = {sums_name(kind, number) for kind in ("B3SUMS", "SHA256SUMS") for number in numbers}
    mending.stale |= sums & mending.manifest.files.keys()


def mend_manifest(mending: Mending) -> None:
    before = _manifest_now(mending)
    after = manifest_bytes(mending.manifest)
    if after == before:
        return
    publish_manifest(mending.inside, mending.manifest)
    same = _SELF.search(before) is not None and _SELF.findall(before) == _SELF.findall(after)
    if MANIFEST not in mending.broken:
        how = "sealed again: a mended file says the same in other bytes. The digest of the dataset stays."
    else:
        how = "made again from the tables" + (", byte for byte." if same else "; nothing is left to compare it with.")
    mending.mended(MANIFEST, how)


def _manifest_now(mending: Mending) -> bytes:
    if not mending.inside.has_file(MANIFEST):
        return b""
    try:
        return mending.inside.read_bytes(MANIFEST, LARGEST)
    except Damaged:  # it is too large, so its content does not matter
        return b""


_THREADS = 8


def skipped_in(root: Path, dataset: Dataset, generation: Generation) -> bytes:
    """The lines of the list, as a pack of the tree would write them now."""
    options = PackOptions.recorded(dataset.manifest.options)
    seen = scan(root, Layout.parsed(options.layout) if options.layout else None, _THREADS, lambda _count: None)
    skips = [Skip.of(row["source"], row["reason"], row["detail"]) for row in seen.skipped.to_pylist()]
    packed = pa.chunked_array([chunk for each in dataset.shards for chunk in dataset.rows(each)["source"].chunks])
    left = seen.found.filter(pc.invert(pc.is_in(seen.found["source"], packed)))
    excluded = bool(generation.skipped.get(EXCLUDED))
    skips += _refused(root, left, dataset, excluded=excluded)
    return b"".join(skip.line for skip in sorted(skips, key=lambda skip: (skip.source, skip.reason)))


def _refused(root: Path, left: pa.Table, dataset: Dataset, *, excluded: bool) -> Iterator[Skip]:
    """Images that cannot be packed; where a list excluded images, also those that can be and were not."""
    for source, stored in stored_images(root, left, dataset.manifest):
        if isinstance(stored, BadInput):
            yield Skip.of(source, stored.reason, stored.detail)
        elif excluded:
            yield Skip.of(source, EXCLUDED, EXCLUDED_BY)


def remove_leftovers(mending: Mending) -> None:
    """What a killed process left under a name that only ours have is removed; any other file is not ours to remove."""
    for finding in mending.findings:
        if finding.kind is Kind.LEFTOVER and mending.inside.has_file(finding.file):
            mending.inside.remove_file(finding.file)
            mending.say(f"{plain(finding.file)}: removed, a temporary file of a killed process.")
        elif finding.kind is Kind.EXTRA and mending.inside.exists(finding.file):
            mending.give_up(finding.file, "It does not belong here, and is not ours to remove. Move it away.")
