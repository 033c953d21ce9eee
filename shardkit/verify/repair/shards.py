"""Repair of shards: first wrong names, then damaged or missing tars.

A complete shard under a wrong name is renamed; at every moment its name identifies it. Intact samples are copied, and
the others are rebuilt from their sources by the functions that packed them. The result is accepted only if it is the
packed shard, byte for byte. Headers and padding need no source.
"""

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from blake3 import blake3

from shardkit.errors import BadInput, Damaged, StorageFailing
from shardkit.pack.options import PackOptions
from shardkit.pack.source.tree import SourceReader, SourceTree
from shardkit.pack.write.encoders import encoder_for
from shardkit.pack.write.shard_writer import sidecar_path
from shardkit.pack.write.tar_writer import ImageEncoder, TarWriter
from shardkit.schema import Manifest, Member, Sample, Shard
from shardkit.storage.local import is_regular, opened_fd, read_into
from shardkit.verify.findings import FindingKind, printable_name
from shardkit.verify.repair.context import RepairContext


def repair_misplaced(mending: RepairContext) -> None:
    names = {shard.blake3: shard.name for shard in mending.dataset.shards}
    found = {names[each.found]: each.file for each in mending.findings if each.kind is FindingKind.MISPLACED}
    movable = _movable({file: name for name, file in found.items()}, mending)
    folder = mending.inside
    # On the way they have a name that no command takes for a temporary file: it may be the only copy.
    for file, name in movable.items():
        folder.move(file, f"{name}.misplaced")
    for file, name in movable.items():
        folder.move(f"{name}.misplaced", name)
        mending.repaired(name, f"lay in {printable_name(file)}, and is back in its place.")


def _movable(wrong: dict[str, str], mending: RepairContext) -> dict[str, str]:
    """Those whose place is empty, becomes so, or holds their own damaged bytes: any others may be an only copy."""
    misplaced = {each.file for each in mending.findings if each.kind not in _ITS_OWN}
    spoiled = {each.file for each in mending.findings if each.kind in _ITS_OWN} - misplaced

    def blocked(name: str) -> bool:
        return name not in wrong and name not in spoiled and mending.inside.exists(name)

    while any(map(blocked, wrong.values())):
        wrong = {file: name for file, name in wrong.items() if not blocked(name)}
    return wrong


_ITS_OWN = {
    FindingKind.SIZE,
    FindingKind.DIGEST,
    FindingKind.HEADER,
    FindingKind.PADDING,
    FindingKind.PAYLOAD,
    FindingKind.END,
}


@dataclass(frozen=True)
class SampleRebuilder:
    found: SourceTree
    """Where sizes and times are asked, as they are now."""
    tree: SourceReader
    store: ImageEncoder

    @classmethod
    def of(cls, source: Path, manifest: Manifest) -> "SampleRebuilder":
        found = SourceTree.at(source)
        options = PackOptions.recorded(manifest.options)
        store = encoder_for(options, manifest.codec)  # type: ignore[arg-type]  # written by ourselves
        return cls(found, SourceReader(os.fsencode(source)), store)

    def rebuild(self, sample: Sample, spool: TarWriter) -> str | None:
        """Put a sample into the spool; if it is not what was packed, say why."""
        try:
            size, mtime_ns = self.found.size_and_time(sample.source)
            read = partial(self.tree.read, sample.source, size, mtime_ns)
            members = [self.store(spool, sample.key, size, read).member]
            members += [self._sidecar(sample, each.ext, spool) for each in sample.sidecars]
        except (BadInput, StorageFailing) as error:
            return f"{os.fsdecode(sample.source)!a}: {error}"
        return (
            None
            if has_same_content(members, sample.members)
            else f"{os.fsdecode(sample.source)!a} is not what was packed"
        )

    def _sidecar(self, sample: Sample, ext: str, spool: TarWriter) -> Member:
        path = sidecar_path(sample.source, ext)
        size, mtime_ns = self.found.size_and_time(path)
        return spool.add(sample.key, ext, size, partial(self.tree.read, path, size, mtime_ns))


def has_same_content(some: Sequence[Member], others: Sequence[Member]) -> bool:
    """Whether they hold the same, wherever they stand."""
    return [(each.ext, each.size, each.xxh3) for each in some] == [(each.ext, each.size, each.xxh3) for each in others]


def repair_tars(mending: RepairContext) -> None:
    broken = [shard for shard in mending.dataset.shards if shard.name in mending.broken]
    if not broken:
        return
    remaker, why = _remaker(mending)
    try:
        for shard in broken:
            _repair_shard(mending, shard, remaker, why)
    finally:
        if remaker:
            remaker.tree.close()


def _remaker(mending: RepairContext) -> tuple[SampleRebuilder | None, str]:
    """Who can make samples again, or why nobody can."""
    if mending.source is None:
        return None, "its bytes are damaged, and without --source there are no others"
    if mending.manifest.options.get("adopted"):
        return None, "another tool made these tars"
    if mending.manifest.is_from_arrays:
        return None, "it was packed from arrays: pack them again into another folder"
    return SampleRebuilder.of(mending.source, mending.manifest), ""


def _repair_shard(mending: RepairContext, shard: Shard, remaker: SampleRebuilder | None, why: str) -> None:
    if shard.adopted:
        mending.unrepairable(shard.name, "Another tool made this tar: take it from another copy.")
        return
    samples = mending.samples(shard)
    if samples is None:
        mending.unrepairable(shard.name, f"Its rows in {shard.index} are damaged too.")
        return
    try:
        made = _published(mending, shard, samples, remaker, why)
    except _SamplesLostError as error:
        mending.quarantine += [(shard.name, key, reason) for key, reason in error.lost.items()]
        for key, reason in error.lost.items():
            mending.unrepairable(shard.name, f"Sample {key}: {reason}.")
    except Damaged as error:
        mending.unrepairable(shard.name, str(error))
    else:
        how = f"{made:,} of {len(samples):,} samples from their sources" if made else "from its own payloads"
        mending.repaired(shard.name, f"written again, {how}, byte for byte.")


class _SamplesLostError(Exception):
    """Some samples are lost, so the new shard is none."""

    def __init__(self, lost: dict[str, str]) -> None:
        super().__init__(lost)
        self.lost = lost


def _published(
    mending: RepairContext, shard: Shard, samples: list[Sample], remaker: SampleRebuilder | None, why: str
) -> int:
    """Write the shard anew, and tell how many samples had to be made again; it appears only if it is what it was."""
    hasher = blake3()
    lost: dict[str, str] = {}
    made = 0
    with _open_or_none(mending.folder / shard.name) as old, mending.inside.publish(shard.name) as file:
        spool = TarWriter(file.write, [hasher.update])
        for sample in samples:
            if old is None or not _copy_sample(sample, old, spool):
                made += 1
                reason = remaker.rebuild(sample, spool) if remaker else why
                if reason:
                    lost[sample.key] = reason
                    spool.rollback()
                    continue
            spool.commit()
        spool.close()
        _check_digest(hasher.hexdigest(), shard, lost)
    return made


def _check_digest(digest: str, shard: Shard, lost: dict[str, str]) -> None:
    if lost:
        raise _SamplesLostError(lost)
    if digest != shard.blake3:
        raise Damaged("What its rows describe is not the shard that was sealed.")


@contextmanager
def _open_or_none(path: Path) -> Iterator[int | None]:
    with opened_fd(path) if is_regular(path) else nullcontext() as descriptor:
        yield descriptor


def _copy_sample(sample: Sample, old: int, spool: TarWriter) -> bool:
    """Copy a sample whose payloads are whole."""
    try:
        members = [_copied_member(sample.key, member, old, spool) for member in sample.members]
    except OSError:
        spool.rollback()
        return False
    if has_same_content(members, sample.members):
        return True
    spool.rollback()
    return False


def _copied_member(key: str, member: Member, old: int, spool: TarWriter) -> Member:
    def fill(payload: memoryview) -> None:
        count = read_into(old, payload, member.offset) if payload else 0
        payload[count:] = bytes(len(payload) - count)

    return spool.add(key, member.ext, member.size, fill)
