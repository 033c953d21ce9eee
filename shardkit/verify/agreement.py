"""Whether files that are whole say the same: the manifest, the tables, the lists, and the rows of the index."""

from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import pyarrow as pa

from shardkit.dataset import MANIFEST, Generation, Manifest, Subject, Totals
from shardkit.errors import ShardkitError
from shardkit.format.numbering import sums_name
from shardkit.format.opened import Dataset
from shardkit.format.plain_file import plain_file
from shardkit.format.totals import class_map_digest, generation_digest, totals
from shardkit.pack.arrays_description import recorded_arrays
from shardkit.verify.claims import UNREADABLE, Claims
from shardkit.verify.findings import Finding, Kind

Tally = Mapping[tuple[str, str, str, int], int]
"""The samples that the index has of each (split, subject, group, label)."""


def tally_of(split: str, rows: pa.Table) -> Tally:
    counted = rows.select(["subject", "group", "label"]).group_by(["subject", "group", "label"], use_threads=False)
    columns = counted.aggregate([([], "count_all")]).to_pydict()
    keys = zip(columns["subject"], columns["group"], columns["label"], strict=True)
    return {(split, *key): count for key, count in zip(keys, columns["count_all"], strict=True)}


def tables_agree(claims: Claims, broken: Container[str]) -> Iterator[Finding]:
    """The manifest against the tables, for every generation whose tables are whole."""
    if not claims.sealed or claims.dataset is None or not claims.shards:
        return
    manifest = claims.dataset.manifest
    yield from _arrays_agree(manifest)
    for generation in manifest.generations:
        if generation.shards in broken or generation.subjects in broken:
            return  # the later ones build upon it
        if generation.listed not in broken:
            yield from _skipped_agree(claims.folder / generation.listed, generation)
        yield from _generation_agrees(claims.dataset.at(generation), generation)
        if sums_name("B3SUMS", generation.number) not in broken:
            yield from _list_agrees(claims, generation)


def _arrays_agree(manifest: Manifest) -> Iterator[Finding]:
    """The description that `unpack --to-arrays` takes the names and first bytes of its files from."""
    if not manifest.options.get("arrays"):
        return
    try:
        recorded_arrays(manifest.options)
    except ValueError as error:
        yield _disagreement(MANIFEST, f"Its description of the packed arrays cannot be right: {error}.")


def _generation_agrees(dataset: Dataset, generation: Generation) -> Iterator[Finding]:
    try:
        shards, subjects = dataset.shards, dataset.subjects
    except UNREADABLE:
        return  # told already
    first = dataset.manifest.generations[0]
    own = [shard for shard in shards if generation is first or shard.generation == generation.number]
    counted = {split: _as_given(each, generation.splits.get(split)) for split, each in totals(shards, subjects).items()}
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
    if not _contiguous(subjects, whole=first.number == 0):
        yield _disagreement(generation.subjects, "Its labels are not unique and without gaps in each split.")


def _as_given(counted: Totals, said: Totals | None) -> Totals:
    """After a removal the tables know of fewer labels than were given."""
    return replace(counted, classes=max(counted.classes, said.classes)) if said else counted


def _skipped_agree(path: Path, generation: Generation) -> Iterator[Finding]:
    lines = len(_text(path))
    if lines != sum(generation.skipped.values()):
        text = f"The manifest counts other inputs that were skipped in generation {generation.number}."
        yield _disagreement(path.name, text, sum(generation.skipped.values()), lines)


def _contiguous(subjects: Iterable[Subject], *, whole: bool) -> bool:
    labels: dict[str, list[int]] = {}
    for each in subjects:
        labels.setdefault(each.split, []).append(each.label)
    if whole:
        return all(sorted(each) == list(range(len(each))) for each in labels.values())
    return all(len(set(each)) == len(each) for each in labels.values())


def _list_agrees(claims: Claims, generation: Generation) -> Iterator[Finding]:
    """B3SUMS against what is sealed. SHA256SUMS takes reading everything again: that is for a deeper level."""
    digests = {name: digest for name, (digest, _) in claims.files.items()}
    digests |= {shard.name: shard.blake3 for shard in claims.shards}
    name = sums_name("B3SUMS", generation.number)
    for line in _text(claims.folder / name):
        digest, _, file = line.partition("  ")
        if digests.get(file) != digest:
            yield _disagreement(name, f"Its line about {file!a} is not what is sealed.", digests.get(file), digest)


def _text(path: Path) -> list[str]:
    try:
        with plain_file(path) as file:
            return file.read().decode("ascii", "replace").split("\n")[:-1]
    except (ShardkitError, OSError):
        return []


def rows_agree(claims: Claims, tallies: Sequence[Tally]) -> Iterator[Finding]:
    """The table of subjects against the rows of every shard, if all of them could be read."""
    if claims.subjects is None or claims.dataset is None or not claims.shards or len(tallies) < len(claims.shards):
        return
    found: dict[tuple[str, str, str, int], int] = {}
    for tally in tallies:
        for key, count in tally.items():
            found[key] = found.get(key, 0) + count
    said = {(each.split, each.subject, each.group, each.label): each.impressions for each in claims.subjects}
    name = claims.dataset.generation.subjects
    for key in sorted(found.keys() | {each for each, count in said.items() if count}):
        if said.get(key) != found.get(key, 0):
            split, subject, group, label = key
            text = f"{split}: subject {subject!a} of group {group!a} with label {label} is not as the index has it."
            yield _disagreement(name, text, f"{said.get(key, 'none')} impressions", f"{found.get(key, 0)}")


def _disagreement(file: str, text: str, expected: object = "", found: object = "") -> Finding:
    return Finding(Kind.DISAGREES, file, expected=str(expected), found=str(found), text=text)
