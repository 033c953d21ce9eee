"""Verification of a dataset at one of three levels: quick, every byte, every pixel."""

from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from enum import StrEnum
from functools import partial
from math import ceil
from pathlib import Path

from shardkit.parallel import CancelToken, map_unordered
from shardkit.schema import WORKSPACE
from shardkit.storage.local import digest_file
from shardkit.verify.consistency import Tallies, check_subjects, check_tables, sha256_tasks
from shardkit.verify.findings import Finding, FindingKind, digest_mismatch, unreadable_file, without_followups
from shardkit.verify.inventory import FolderListing, compare_listing, list_folder
from shardkit.verify.keys import Hashes, find_shared_keys
from shardkit.verify.recorded import Expected, load_expected
from shardkit.verify.shard import MakePayloadCheck, ShardInspection, TaskResult
from shardkit.verify.tar import Progress
from shardkit.verify.workspace import (
    check_removal_record,
    count_quarantined,
    find_damaged_parts,
    find_invalid_workspace,
    find_unfinished_pack,
    find_unfinished_removal,
    has_stale_files,
)

VerifyProgress = Callable[[int, int], None]
"""Told how many samples and bytes were checked just now."""

CheckTask = Callable[[Progress], TaskResult]

# So many tasks that the cores end at about the same time; a shard is only split if there are few.
_TASKS_PER_WORKER = 4
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
class VerifyJob:
    """What is known before the first tar is opened."""

    claims: Expected
    there: FolderListing
    findings: tuple[Finding, ...]
    notes: tuple[str, ...]
    changing: frozenset[str]
    """Files that a removal was stopped in changing: nothing can be said about them until it has ended."""

    @property
    def samples(self) -> int:
        return sum(shard.samples for shard in self.claims.shards)


def prepare_verification(folder: Path) -> VerifyJob:
    claims, findings = load_expected(folder)
    there = list_folder(folder)
    underway = find_unfinished_pack(folder)
    removal = find_unfinished_removal(
        folder, frozenset(claims.files), {shard.name: shard.blake3 for shard in claims.shards}
    )
    reported = (underway, removal, check_removal_record(folder), count_quarantined(folder))
    notes = [note for each in reported for note in each.notes]
    findings += (*find_invalid_workspace(folder), *(finding for each in reported for finding in each.findings))
    if not notes and has_stale_files(folder):
        notes.append(f"{folder / WORKSPACE}: left by a command that was stopped. The next one removes it.")
    findings += compare_listing(claims.sizes, there, underway.files)
    return VerifyJob(claims, there, tuple(findings), tuple(notes), removal.files)


def run_verification(begun: VerifyJob, level: Level, workers: int, watch: VerifyProgress) -> Report:
    claims, findings = begun.claims, list(begun.findings)
    if level is not Level.QUICK:
        tallies, keys = Tallies(), dict[str, Hashes]()
        with closing(map_unordered(partial(_run_task, watch), _tasks(begun, level, workers), workers)) as told:
            for outcome in told:
                findings += outcome.findings
                if outcome.summary is not None:
                    tallies.add(outcome.summary.tally)
                    keys[outcome.summary.shard] = outcome.summary.keys
        findings += check_tables(claims, {finding.file for finding in findings})
        findings += check_subjects(claims, tallies)
        findings += find_shared_keys(claims.dataset, keys) if claims.dataset else ()
        findings += find_damaged_parts(claims.folder)
        findings += _found_again(begun, findings)
    findings = [finding for finding in findings if finding.file not in begun.changing]
    sizes = [status.st_size for status in begun.there.files.values() if status]
    return Report(claims.folder, level, without_followups(findings), begun.notes, len(sizes), begun.samples, sum(sizes))


def _run_task(watch: VerifyProgress, task: CheckTask, stop: CancelToken) -> TaskResult:
    samples = size = 0

    def told(more_samples: int, more_bytes: int) -> None:
        nonlocal samples, size
        stop.raise_if_cancelled()
        samples, size = samples + more_samples, size + more_bytes
        if size >= _TELL_AFTER:
            watch(samples, size)
            samples = size = 0

    outcome = task(told)
    watch(samples, size)
    return outcome


def _tasks(begun: VerifyJob, level: Level, workers: int) -> Iterator[CheckTask]:
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


def _shard_tasks(
    claims: Expected, there: Callable[[str], bool], look: MakePayloadCheck | None, workers: int
) -> Iterator[CheckTask]:
    if claims.dataset is None:
        return
    names = {shard.blake3: shard.name for shard in claims.shards}
    shards = [shard for shard in claims.shards if there(shard.name)]
    parts = ceil(_TASKS_PER_WORKER * workers / max(len(shards), 1))
    inspections = [ShardInspection(claims.dataset, shard, names, look, parts) for shard in shards]
    # Workers begin with different shards, but a shard ends soon after it begins: until then its rows are in memory.
    for start in range(0, len(inspections), workers):
        for part in range(parts):
            yield from (partial(each.check, part) for each in inspections[start : start + workers])


def _looking(claims: Expected) -> MakePayloadCheck:
    from shardkit.verify.pixels import pixel_check  # noqa: PLC0415 - only who decodes needs the image libraries

    return partial(pixel_check, from_arrays=claims.dataset is not None and claims.dataset.manifest.is_from_arrays)


def _whole(folder: Path, name: str, sealed: str, told: Progress) -> TaskResult:
    """A file that is checked as a whole."""
    if not sealed:  # nobody remembers its digest, and it can be a terabyte of nothing
        return TaskResult(
            (Finding(FindingKind.DIGEST, name, text="What it was is not known, and it is too large to be read."),)
        )
    try:
        digest, _ = digest_file(folder / name, lambda: told(0, 0))
    except OSError as error:
        return TaskResult((unreadable_file(name, error),))
    return TaskResult(() if digest == sealed else (digest_mismatch(name, sealed, digest),))


def _found_again(begun: VerifyJob, findings: list[Finding]) -> Iterator[Finding]:
    """Shards that are not whole in their place, and whose bytes lie in a file that does not belong here."""
    broken = {finding.file for finding in findings}
    lost = {shard.blake3: shard for shard in begun.claims.shards if shard.name in broken}
    sizes = {shard.size for shard in lost.values()}
    for finding in findings:
        if finding.kind not in (FindingKind.EXTRA, FindingKind.LEFTOVER) or begun.there.size(finding.file) not in sizes:
            continue
        try:
            digest, _ = digest_file(begun.claims.folder / finding.file)
        except OSError:
            continue
        if digest in lost:
            text = f"These are the bytes of {lost[digest].name}."
            yield Finding(FindingKind.MISPLACED, finding.file, found=digest, text=text)
