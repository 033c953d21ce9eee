"""A damaged or missing shard is written again: what is whole is copied, what is not is made from its source.

The result is only accepted if it is the shard that was packed, byte for byte. Headers and padding need no source.
"""

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path

from blake3 import blake3

from shardkit.dataset import Member, Sample, Shard
from shardkit.errors import Damaged
from shardkit.pack.spool import Spool
from shardkit.verify.mending import Mending
from shardkit.verify.reading import filled, is_regular, opened
from shardkit.verify.remaking import Remaker, same_content


def mend_tars(mending: Mending) -> None:
    broken = [shard for shard in mending.dataset.shards if shard.name in mending.broken]
    if not broken:
        return
    remaker, why = _remaker(mending)
    try:
        for shard in broken:
            _mend(mending, shard, remaker, why)
    finally:
        if remaker:
            remaker.tree.close()


def _remaker(mending: Mending) -> tuple[Remaker | None, str]:
    """Who can make samples again, or why nobody can."""
    if mending.source is None:
        return None, "its bytes are damaged, and without --source there are no others"
    if mending.manifest.options.get("adopted"):
        return None, "another tool made these tars"
    if mending.manifest.is_from_arrays:
        return None, "it was packed from arrays: pack them again into another folder"
    return Remaker.of(mending.source, mending.manifest), ""


def _mend(mending: Mending, shard: Shard, remaker: Remaker | None, why: str) -> None:
    if shard.adopted:
        mending.give_up(shard.name, "Another tool made this tar: take it from another copy.")
        return
    samples = mending.samples(shard)
    if samples is None:
        mending.give_up(shard.name, f"Its rows in {shard.index} are damaged too.")
        return
    try:
        made = _published(mending, shard, samples, remaker, why)
    except _LostError as error:
        mending.quarantine += [(shard.name, key, reason) for key, reason in error.lost.items()]
        for key, reason in error.lost.items():
            mending.give_up(shard.name, f"Sample {key}: {reason}.")
    except Damaged as error:
        mending.give_up(shard.name, str(error))
    else:
        how = f"{made:,} of {len(samples):,} samples from their sources" if made else "from its own payloads"
        mending.mended(shard.name, f"written again, {how}, byte for byte.")


class _LostError(Exception):
    """Some samples are lost, so the new shard is none."""

    def __init__(self, lost: dict[str, str]) -> None:
        super().__init__(lost)
        self.lost = lost


def _published(mending: Mending, shard: Shard, samples: list[Sample], remaker: Remaker | None, why: str) -> int:
    """Write the shard anew, and tell how many samples had to be made again; it appears only if it is what it was."""
    hasher = blake3()
    lost: dict[str, str] = {}
    made = 0
    with _readable(mending.folder / shard.name) as old, mending.inside.publish(shard.name) as file:
        spool = Spool(file.write, [hasher.update])
        for sample in samples:
            if old is None or not _copied(sample, old, spool):
                made += 1
                reason = remaker.remake(sample, spool) if remaker else why
                if reason:
                    lost[sample.key] = reason
                    spool.take_back()
                    continue
            spool.keep()
        spool.end()
        _refuse_another(hasher.hexdigest(), shard, lost)
    return made


def _refuse_another(digest: str, shard: Shard, lost: dict[str, str]) -> None:
    if lost:
        raise _LostError(lost)
    if digest != shard.blake3:
        raise Damaged("What its rows describe is not the shard that was sealed.")


@contextmanager
def _readable(path: Path) -> Iterator[int | None]:
    with opened(path) if is_regular(path) else nullcontext() as descriptor:
        yield descriptor


def _copied(sample: Sample, old: int, spool: Spool) -> bool:
    """Copy a sample whose payloads are whole."""
    try:
        members = [_copied_member(sample.key, member, old, spool) for member in sample.members]
    except OSError:
        spool.take_back()
        return False
    if same_content(members, sample.members):
        return True
    spool.take_back()
    return False


def _copied_member(key: str, member: Member, old: int, spool: Spool) -> Member:
    def fill(payload: memoryview) -> None:
        count = filled(old, payload, member.offset) if payload else 0
        payload[count:] = bytes(len(payload) - count)

    return spool.add(key, member.ext, member.size, fill)
