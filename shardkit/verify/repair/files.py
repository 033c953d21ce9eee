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
from shardkit.format.digests import format_checksums
from shardkit.format.generation import sums_name
from shardkit.format.manifest import MAX_MANIFEST_SIZE, manifest_bytes, publish_manifest
from shardkit.pack.options import PackOptions
from shardkit.pack.plan.planner import EXCLUDED, EXCLUDED_BY
from shardkit.pack.source.candidates import SkippedRecord
from shardkit.pack.source.layout import Layout
from shardkit.pack.source.scan import scan
from shardkit.reader.dataset import Dataset
from shardkit.schema import MANIFEST, Generation
from shardkit.storage.local import READ_ERRORS, hash_file, sha256_file
from shardkit.verify.findings import FindingKind, printable_name
from shardkit.verify.repair.context import RepairContext
from shardkit.verify.repair.index import iter_encoded_images


def repair_skipped(mending: RepairContext) -> None:
    for generation in mending.manifest.generations:
        if generation.listed not in mending.broken:
            continue
        content = b"" if not generation.skipped else _skipped_again(mending, generation)
        if content is not None and blake3(content).hexdigest() == mending.manifest.files[generation.listed].blake3:
            mending.inside.publish_bytes(generation.listed, content)
            mending.repaired(generation.listed, "written again, byte for byte.")
        else:
            why = "Only the source as it was then tells which inputs were skipped; the manifest still counts them."
            mending.unrepairable(generation.listed, why if mending.source else f"{why} Name it with --source.")


def _skipped_again(mending: RepairContext, generation: Generation) -> bytes | None:
    """Scan the tree again, and try again what is in it and not in the dataset."""
    options = mending.manifest.options
    if mending.source is None or mending.manifest.is_from_arrays or options.get("adopted"):
        return None

    try:
        return rescan_skipped(mending.source, mending.dataset, generation)
    except (ShardkitError, OSError):
        return None


def repair_sums(mending: RepairContext) -> None:
    """Once all else is whole: they follow from it."""
    for generation in mending.manifest.generations:
        name = sums_name("B3SUMS", generation.number)
        if name in mending.broken:
            files = {each: mending.manifest.files[each].blake3 for each in _beside_tars(generation)}
            _write(mending, name, {shard.name: shard.blake3 for shard in mending.shards_of(generation)} | files)
        name = sums_name("SHA256SUMS", generation.number)
        if name in mending.broken:
            names = [*(shard.name for shard in mending.shards_of(generation)), *_beside_tars(generation)]
            try:
                _write(mending, name, {each: sha256_file(mending.folder / each, mending.folder) for each in names})
            except READ_ERRORS as error:
                mending.unrepairable(name, f"It needs every file to be whole ({error}).")


def _write(mending: RepairContext, name: str, digests: dict[str, str]) -> None:
    mending.inside.publish_bytes(name, format_checksums(digests))
    mending.repaired(name, "written again.")


def _beside_tars(generation: Generation) -> Iterator[str]:
    yield from (*generation.index, generation.shards, generation.subjects, generation.listed)


_SELF = re.compile(rb'"self":"([0-9a-f]{64})"')


def update_digests(mending: RepairContext) -> None:
    """Another pyarrow writes the same rows as other bytes: then the seals follow, and the sums after them."""
    sealed = {
        name: hash_file(mending.folder / name, mending.folder)
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


def repair_manifest(mending: RepairContext) -> None:
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
    mending.repaired(MANIFEST, how)


def _manifest_now(mending: RepairContext) -> bytes:
    if not mending.inside.has_file(MANIFEST):
        return b""
    try:
        return mending.inside.read_bytes(MANIFEST, MAX_MANIFEST_SIZE)
    except Damaged:  # it is too large, so its content does not matter
        return b""


_THREADS = 8


def rescan_skipped(root: Path, dataset: Dataset, generation: Generation) -> bytes:
    """The lines of the list, as a pack of the tree would write them now."""
    options = PackOptions.recorded(dataset.manifest.options)
    seen = scan(root, Layout.parse(options.layout) if options.layout else None, _THREADS, lambda _count: None)
    skips = [SkippedRecord.of(row["source"], row["reason"], row["detail"]) for row in seen.skipped.to_pylist()]
    packed = pa.chunked_array([chunk for each in dataset.shards for chunk in dataset.rows(each)["source"].chunks])
    left = seen.found.filter(pc.invert(pc.is_in(seen.found["source"], packed)))
    excluded = bool(generation.skipped.get(EXCLUDED))
    skips += _iter_rejected(root, left, dataset, excluded=excluded)
    return b"".join(skip.line for skip in sorted(skips, key=lambda skip: (skip.source, skip.reason)))


def _iter_rejected(root: Path, left: pa.Table, dataset: Dataset, *, excluded: bool) -> Iterator[SkippedRecord]:
    """Images that cannot be packed; where a list excluded images, also those that can be and were not."""
    for source, stored in iter_encoded_images(root, left, dataset.manifest):
        if isinstance(stored, BadInput):
            yield SkippedRecord.of(source, stored.reason, stored.detail)
        elif excluded:
            yield SkippedRecord.of(source, EXCLUDED, EXCLUDED_BY)


def remove_leftovers(mending: RepairContext) -> None:
    """What a killed process left under a name that only ours have is removed; any other file is not ours to remove."""
    for finding in mending.findings:
        if finding.kind is FindingKind.LEFTOVER and mending.inside.has_file(finding.file):
            mending.inside.remove_file(finding.file)
            mending.say(f"{printable_name(finding.file)}: removed, a temporary file of a killed process.")
        elif finding.kind is FindingKind.EXTRA and mending.inside.exists(finding.file):
            mending.unrepairable(finding.file, "It does not belong here, and is not ours to remove. Move it away.")
