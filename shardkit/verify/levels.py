"""Verifying a dataset, as deeply as asked."""

from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from enum import StrEnum
from functools import partial
from math import ceil
from pathlib import Path

from shardkit.dataset import WORKPLACE
from shardkit.pack.engines.local import Stop, each
from shardkit.verify import quarantine
from shardkit.verify.agreement import rows_agree, tables_agree
from shardkit.verify.claims import Claims, claims_of
from shardkit.verify.closed import Listing, coming, compared, listing
from shardkit.verify.findings import Finding, Kind, told_once
from shardkit.verify.reading import file_digest
from shardkit.verify.removing import removing
from shardkit.verify.sha256 import sha256_tasks
from shardkit.verify.shard import Inspection, MakeLook, Outcome, not_sealed, unreadable
from shardkit.verify.tar import Told

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
    underway, notes = coming(folder)
    changing = removing(claims)
    if changing:
        notes.append(
            f"{folder}: a removal is not ended. Its files are not checked; the same `shardkit remove` ends it."
        )
    if lost := quarantine.count(folder):
        notes.append(f"{folder}: {lost:,} samples are in quarantine, their bytes are lost.")
    elif not notes and (folder / WORKPLACE).exists():
        notes.append(f"{folder / WORKPLACE}: left by a command that was stopped. The next one removes it.")
    findings += compared(claims.sizes, there, underway)
    return Examination(claims, there, tuple(findings), tuple(notes), changing)


def verify(begun: Examination, level: Level, workers: int, watch: Watch) -> Report:
    claims, findings = begun.claims, list(begun.findings)
    if level is not Level.QUICK:
        with closing(each(partial(_told, watch), _tasks(begun, level, workers), workers)) as told:
            outcomes = list(told)
        findings += (finding for outcome in outcomes for finding in outcome.findings)
        findings += tables_agree(claims, {finding.file for finding in findings})
        findings += rows_agree(claims, [outcome.tally for outcome in outcomes if outcome.tally is not None])
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


def _tasks(begun: Examination, level: Level, workers: int) -> list[Task]:
    claims = begun.claims
    look = _looking() if level is Level.DECODE else None
    there = begun.there.regular
    tasks = [*_shard_tasks(claims, there, look, workers)]
    files = {name: digest for name, (digest, _) in claims.files.items()} | dict(claims.tars)
    if level is Level.DECODE:
        files |= {shard.name: shard.blake3 for shard in claims.shards}
        tasks += sha256_tasks(claims, there)
    return [*tasks, *(partial(_whole, claims.folder, name, digest) for name, digest in files.items() if there(name))]


def _shard_tasks(claims: Claims, there: Callable[[str], bool], look: MakeLook | None, workers: int) -> Iterator[Task]:
    if claims.dataset is None:
        return
    names = {shard.blake3: shard.name for shard in claims.shards}
    inspections = [Inspection(claims.dataset, shard, names, look) for shard in claims.shards if there(shard.name)]
    parts = ceil(_TASKS_A_WORKER * workers / max(len(inspections), 1))
    for part in range(parts):
        yield from (partial(inspection.check, part, parts) for inspection in inspections)


def _looking() -> MakeLook:
    from shardkit.verify.pixels import look_at  # noqa: PLC0415 - only who decodes needs the image libraries

    return look_at


def _whole(folder: Path, name: str, sealed: str, told: Told) -> Outcome:
    """A file that is checked as a whole."""
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
