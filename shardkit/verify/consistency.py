"""Agreement of intact files: the manifest, the tables, the checksum lists, and the rows of the index.

SHA256SUMS, which exists on request only, is compared at the deepest level, since every file must be read for it.
"""

import re
from collections.abc import Callable, Collection, Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from hashlib import sha256
from pathlib import Path

from shardkit.format.generation import class_map_digest, generation_digest, split_totals, sums_name
from shardkit.pack.source.array_files import parse_recorded_arrays
from shardkit.schema import MANIFEST, Generation, Manifest, Shard, Subject, Totals
from shardkit.storage.local import READ_ERRORS, describe_error, digest_file, iter_lines
from shardkit.verify.findings import Finding, FindingKind, Tally, unreadable_file
from shardkit.verify.recorded import Expected
from shardkit.verify.shard import TaskResult
from shardkit.verify.tar import Progress


@dataclass
class Tallies:
    """Sum of the tallies of shards."""

    samples: dict[tuple[str, str, str, int], int] = field(default_factory=dict)
    shards: int = 0

    def add(self, tally: Tally) -> None:
        self.shards += 1
        for key, count in tally.items():
            self.samples[key] = self.samples.get(key, 0) + count


def check_tables(claims: Expected, broken: Container[str]) -> Iterator[Finding]:
    """The manifest against the tables, for every generation whose tables are whole."""
    if not claims.sealed or claims.dataset is None or not claims.shards:
        return
    manifest = claims.dataset.manifest
    yield from _arrays_agree(manifest)
    digests = {name: digest for name, (digest, _) in claims.files.items()}
    digests |= {shard.name: shard.blake3 for shard in claims.shards}
    shards: list[Shard] = []
    subjects: dict[tuple[str, str], Subject] = {}
    for generation in manifest.generations:
        if generation.shards in broken or generation.subjects in broken:
            return  # the later ones build upon it
        if generation.listed not in broken:
            yield from _report_unreadable(
                generation.listed, _skipped_agree(claims.folder / generation.listed, generation)
            )
        # As a dataset of its own, a generation has only what it added; the tables were read before.
        added = replace(claims.dataset, manifest=replace(manifest, generations=(generation,)), generation=generation)
        try:
            own, named = added.shards, added.subjects
        except READ_ERRORS:
            return  # told already
        shards += own
        subjects |= {(each.split, each.subject): each for each in named}
        yield from _generation_agrees(manifest, generation, own, shards, subjects.values())
        name = sums_name("B3SUMS", generation.number)
        if name in claims.files and name not in broken:
            yield from _report_unreadable(
                name, _list_agrees(claims.folder / name, digests, _listed_files(generation, own))
            )


def _arrays_agree(manifest: Manifest) -> Iterator[Finding]:
    """The description that `unpack --to-arrays` takes the names and first bytes of its files from."""
    if not manifest.is_from_arrays:
        return
    try:
        parse_recorded_arrays(manifest.options)
    except ValueError as error:
        yield _disagreement(MANIFEST, f"Its description of the packed arrays cannot be right: {error}.")


def _generation_agrees(
    manifest: Manifest,
    generation: Generation,
    own: Sequence[Shard],
    shards: Sequence[Shard],
    subjects: Collection[Subject],
) -> Iterator[Finding]:
    counted = {
        split: _as_given(each, generation.splits.get(split)) for split, each in split_totals(shards, subjects).items()
    }
    pairs = {
        "digest of the dataset": (generation.digest, generation_digest(shards)),
        "class map": (generation.class_map, class_map_digest(subjects)),
        "splits": (dict(generation.splits), counted),
        "count of packed samples": (generation.packed, sum(shard.samples for shard in own)),
        "index files": (set(generation.index), {shard.index for shard in own}),
    }
    for what, (said, found) in pairs.items():
        if said != found:
            text = f"The {what} of generation {generation.number} is not that of its tables."
            yield _disagreement(MANIFEST, text, said, found)
    # An adopted dataset keeps the labels that its tars gave: several subjects may share one.
    if not manifest.options.get("adopted"):
        yield from _labels_agree(manifest, generation.subjects, subjects)


def _as_given(counted: Totals, said: Totals | None) -> Totals:
    """After a removal the tables know of fewer labels than were given."""
    return replace(counted, classes=max(counted.classes, said.classes)) if said else counted


def _skipped_agree(path: Path, generation: Generation) -> Iterator[Finding]:
    lines, said = sum(1 for _ in iter_lines(path)), sum(generation.skipped.values())
    if lines != said:
        text = f"The manifest counts other inputs that were skipped in generation {generation.number}."
        yield _disagreement(path.name, text, said, lines)


def _labels_agree(manifest: Manifest, table: str, subjects: Iterable[Subject]) -> Iterator[Finding]:
    """No label is given twice in a split. They count from 0, unless arrays brought them or a removal took some away."""
    labels: dict[str, list[int]] = {}
    for each in subjects:
        labels.setdefault(each.split, []).append(each.label)
    if any(len(set(each)) < len(each) for each in labels.values()):
        yield _disagreement(table, "Its labels are not unique in each split.")
    elif manifest.is_from_arrays or manifest.generations[0].number > 0:
        return
    elif any(max(each) >= len(each) or min(each) < 0 for each in labels.values()):
        yield _disagreement(table, "Its labels are not without gaps in each split.")


def _listed_files(generation: Generation, own: Sequence[Shard]) -> set[str]:
    """Return the files of a generation that its list of digests must have."""
    tables = {generation.shards, generation.subjects, generation.listed, *generation.index}
    return tables | {shard.name for shard in own}


def _list_agrees(path: Path, digests: Mapping[str, str], missing: set[str]) -> Iterator[Finding]:
    """Compare B3SUMS with the recorded digests; `missing` are the files that it must list.

    SHA256SUMS takes reading everything again: that is for a deeper level.
    """
    for line in iter_lines(path):
        digest, _, file = line.decode("ascii", "replace").partition("  ")
        if digests.get(file) != digest:
            text = f"Its line about {file!a} is not what is sealed."
            yield _disagreement(path.name, text, digests.get(file, ""), digest)
        missing.discard(file)
    if missing:
        yield _disagreement(path.name, f"{len(missing):,} files are not listed, for example {min(missing)!a}.")


def _report_unreadable(name: str, findings: Iterator[Finding]) -> Iterator[Finding]:
    """Pass findings about a list on; a list that cannot be read is a finding itself."""
    try:
        yield from findings
    except READ_ERRORS as error:
        yield Finding(FindingKind.TABLE, name, text=describe_error(error))


def check_subjects(claims: Expected, tallies: Tallies) -> Iterator[Finding]:
    """The table of subjects against the rows of every shard, if all of them could be read."""
    if claims.subjects is None or claims.dataset is None or not claims.shards or tallies.shards < len(claims.shards):
        return
    found = tallies.samples
    said = {(each.split, each.subject, each.group, each.label): each.impressions for each in claims.subjects}
    name = claims.dataset.generation.subjects
    for key in sorted(found.keys() | {each for each, count in said.items() if count}):
        if said.get(key) != found.get(key, 0):
            split, subject, group, label = key
            text = f"{split}: subject {subject!a} of group {group!a} with label {label} is not as the index has it."
            yield _disagreement(name, text, f"{said.get(key, 'none')} impressions", f"{found.get(key, 0)}")


def _disagreement(file: str, text: str, expected: object = "", found: object = "") -> Finding:
    return Finding(FindingKind.DISAGREES, file, expected=str(expected), found=str(found), text=text)


_LINE = re.compile(r"([0-9a-f]{64})  (.+)")


def sha256_tasks(claims: Expected, there: Callable[[str], bool]) -> Iterator[Callable[[Progress], TaskResult]]:
    known = {shard.name for shard in claims.shards} | set(claims.files)
    for generation in claims.dataset.manifest.generations if claims.dataset else ():
        name = sums_name("SHA256SUMS", generation.number)
        if name in claims.files and there(name):
            yield from _tasks(claims.folder, name, lambda file: file in known and there(file))


def _tasks(folder: Path, name: str, chosen: Callable[[str], bool]) -> Iterator[Callable[[Progress], TaskResult]]:
    try:
        for line in iter_lines(folder / name):
            match = _LINE.fullmatch(line.decode("ascii", "replace"))
            if match and chosen(match[2]):
                yield partial(_check, folder, name, match[2], match[1])
    except READ_ERRORS as error:
        outcome = TaskResult((Finding(FindingKind.TABLE, name, text=describe_error(error)),))
        yield lambda _told: outcome


def _check(folder: Path, listing: str, name: str, expected: str, told: Progress) -> TaskResult:
    try:
        found, _ = digest_file(folder / name, lambda: told(0, 0), sha256())
    except OSError as error:
        return TaskResult((unreadable_file(name, error),))
    if found == expected:
        return TaskResult(())
    text = f"The SHA-256 of {name!a} is not the one that is listed."
    return TaskResult((Finding(FindingKind.DISAGREES, listing, expected=expected, found=found, text=text),))
