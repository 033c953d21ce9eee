"""Verification of a dataset at one of three levels: quick, every byte, every pixel."""

from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from enum import StrEnum
from functools import partial
from math import ceil
from pathlib import Path

from shardkit.parallel import Stop, each
from shardkit.schema import WORKPLACE
from shardkit.storage.local import file_digest
from shardkit.verify.consistency import Tallies, rows_agree, sha256_tasks, tables_agree
from shardkit.verify.expected import Claims, claims_of
from shardkit.verify.findings import Finding, Kind, not_sealed, told_once, unreadable
from shardkit.verify.inventory import Listing, compared, listing
from shardkit.verify.keys import Hashes, find_shared_keys
from shardkit.verify.shard import Inspection, MakeLook, Outcome
from shardkit.verify.tar import Told
from shardkit.verify.workspace import (
    find_damaged_parts,
    find_odd_workspace,
    has_stale_files,
    packing,
    quarantined,
    removal_record,
    removing,
)

Watch = Callable[[int, int], None]
"""Told how many samples and bytes were checked just now."""

Task = Callable[[Told], Outcome]

# So many tasks that the cores end at about the same time; a shard is only split if there are few.
_TASKS_A_WORKER = 4
# Telling costs more than checking a megabyte.
_TELL_AFTER = 32 << 20


class Level(StrEnum):
    QUICK = "quick"
    """The manifest, and which files there are, of which size."""
    BYTES = "bytes"
    """Every byte of every file."""
    DECODE = "decode"
    """Every pixel too, and the digests of whole shards."""


@dataclass(frozen=True)
class Report:
    folder: Path
    level: Level
    findings: tuple[Finding, ...]
    notes: tuple[str, ...]
    files: int
    samples: int
    bytes: int


@dataclass(frozen=True)
class Examination:
    """What is known before the first tar is opened."""

    claims: Claims
    there: Listing
    findings: tuple[Finding, ...]
    notes: tuple[str, ...]
    changing: frozenset[str]
    """Files that a removal was stopped in changing: nothing can be said about them until it has ended."""

    @property
    def samples(self) -> int:
        return sum(shard.samples for shard in self.claims.shards)


def begun(folder: Path) -> Examination:
    claims, findings = claims_of(folder)
    there = listing(folder)
    underway = packing(folder)
    removal = removing(folder, frozenset(claims.files), {shard.name: shard.blake3 for shard in claims.shards})
    reported = (underway, removal, removal_record(folder), quarantined(folder))
    notes = [note for each in reported for note in each.notes]
    findings += (*find_odd_workspace(folder), *(finding for each in reported for finding in each.findings))
    if not notes and has_stale_files(folder):
        notes.append(f"{folder / WORKPLACE}: left by a command that was stopped. The next one removes it.")
    findings += compared(claims.sizes, there, underway.files)
    return Examination(claims, there, tuple(findings), tuple(notes), removal.files)


def verify(begun: Examination, level: Level, workers: int, watch: Watch) -> Report:
    claims, findings = begun.claims, list(begun.findings)
    if level is not Level.QUICK:
        tallies, keys = Tallies(), dict[str, Hashes]()
        with closing(each(partial(_told, watch), _tasks(begun, level, workers), workers)) as told:
            for outcome in told:
                findings += outcome.findings
                if outcome.summary is not None:
                    tallies.add(outcome.summary.tally)
                    keys[outcome.summary.shard] = outcome.summary.keys
        findings += tables_agree(claims, {finding.file for finding in findings})
        findings += rows_agree(claims, tallies)
        findings += find_shared_keys(claims.dataset, keys) if claims.dataset else ()
        findings += find_damaged_parts(claims.folder)
        findings += _found_again(begun, findings)
    findings = [finding for finding in findings if finding.file not in begun.changing]
    sizes = [status.st_size for status in begun.there.files.values() if status]
    return Report(claims.folder, level, told_once(findings), begun.notes, len(sizes), begun.samples, sum(sizes))


def _told(watch: Watch, task: Task, stop: Stop) -> Outcome:
    samples = size = 0

    def told(more_samples: int, more_bytes: int) -> None:
        nonlocal samples, size
        stop.check()
        samples, size = samples + more_samples, size + more_bytes
        if size >= _TELL_AFTER:
            watch(samples, size)
            samples = size = 0

    outcome = task(told)
    watch(samples, size)
    return outcome


def _tasks(begun: Examination, level: Level, workers: int) -> Iterator[Task]:
    claims, sizes = begun.claims, begun.claims.sizes
    look = _looking(claims) if level is Level.DECODE else None
    there = begun.there.regular

    def has_its_size(name: str) -> bool:
        """A file of another size is a finding already, and can be a terabyte of nothing."""
        return there(name) and sizes.get(name) in {None, begun.there.size(name)}

    yield from _shard_tasks(claims, there, look, workers)
    files = {name: digest for name, (digest, _) in claims.files.items()} | dict(claims.tars)
    if level is Level.DECODE:
        files |= {shard.name: shard.blake3 for shard in claims.shards}
        yield from sha256_tasks(claims, there)
    yield from (partial(_whole, claims.folder, name, digest) for name, digest in files.items() if has_its_size(name))


def _shard_tasks(claims: Claims, there: Callable[[str], bool], look: MakeLook | None, workers: int) -> Iterator[Task]:
    if claims.dataset is None:
        return
    names = {shard.blake3: shard.name for shard in claims.shards}
    shards = [shard for shard in claims.shards if there(shard.name)]
    parts = ceil(_TASKS_A_WORKER * workers / max(len(shards), 1))
    inspections = [Inspection(claims.dataset, shard, names, look, parts) for shard in shards]
    # Workers begin with different shards, but a shard ends soon after it begins: until then its rows are in memory.
    for start in range(0, len(inspections), workers):
        for part in range(parts):
            yield from (partial(each.check, part) for each in inspections[start : start + workers])


def _looking(claims: Claims) -> MakeLook:
    from shardkit.verify.pixels import look_at  # noqa: PLC0415 - only who decodes needs the image libraries

    return partial(look_at, from_arrays=claims.dataset is not None and claims.dataset.manifest.is_from_arrays)


def _whole(folder: Path, name: str, sealed: str, told: Told) -> Outcome:
    """A file that is checked as a whole."""
    if not sealed:  # nobody remembers its digest, and it can be a terabyte of nothing
        return Outcome((Finding(Kind.DIGEST, name, text="What it was is not known, and it is too large to be read."),))
    try:
        digest, _ = file_digest(folder / name, lambda: told(0, 0))
    except OSError as error:
        return Outcome((unreadable(name, error),))
    return Outcome(() if digest == sealed else (not_sealed(name, sealed, digest),))


def _found_again(begun: Examination, findings: list[Finding]) -> Iterator[Finding]:
    """Shards that are not whole in their place, and whose bytes lie in a file that does not belong here."""
    broken = {finding.file for finding in findings}
    lost = {shard.blake3: shard for shard in begun.claims.shards if shard.name in broken}
    sizes = {shard.size for shard in lost.values()}
    for finding in findings:
        if finding.kind not in (Kind.EXTRA, Kind.LEFTOVER) or begun.there.size(finding.file) not in sizes:
            continue
        try:
            digest, _ = file_digest(begun.claims.folder / finding.file)
        except OSError:
            continue
        if digest in lost:
            text = f"These are the bytes of {lost[digest].name}."
            yield Finding(Kind.MISPLACED, finding.file, found=digest, text=text)
