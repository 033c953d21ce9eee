"""Checks that nothing of a removed subject is left, made on the files that are on disk after the removal.

The index names everything that a tar holds, and a tar with the recorded BLAKE3 holds nothing else. So it is enough to
check every row, to read the rewritten shards, and to see that the folder has no file that the manifest does not record.
"""

import os
import re
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, replace

import pyarrow as pa
import pyarrow.compute as pc

from shardkit.errors import Damaged, UsageError, command_hint
from shardkit.format.keys import encode_name
from shardkit.pack.source.candidates import SkippedRecord
from shardkit.pack.source.layout import KNOWN_LAYOUTS, Layout, match_first
from shardkit.reader.dataset import Dataset
from shardkit.schema import MANIFEST, WORKSPACE
from shardkit.storage.errors import missing_is_damage, os_errors
from shardkit.storage.local import hash_file, iter_lines


@dataclass(frozen=True)
class Proof:
    """What was checked, and in no part of which a removed subject was found."""

    rows: int
    rewritten: int


def prove_removed(dataset: Dataset, gone: Collection[str], rewritten: Collection[str]) -> Proof:
    """Check that this generation has nothing of the subjects in `gone`; raise Damaged where it has."""
    if left := sorted({each.subject for each in dataset.subjects} & set(gone)):
        raise _damaged(dataset, dataset.generation.subjects, f"the removed subject {left[0]!r} is still in this table")
    wanted = pa.array(sorted(gone), pa.string())
    checked = 0
    for shard in dataset.shards:
        if pc.any(pc.is_in(dataset.rows(shard, ["subject"])["subject"], wanted)).as_py():
            raise _damaged(dataset, shard.index, f"a removed subject is still in the rows of {shard.name}")
        if shard.name in rewritten:
            with missing_is_damage(dataset.folder, shard.name):
                found = hash_file(dataset.path(shard)).blake3
            if found != shard.blake3:
                raise _damaged(dataset, shard.name, f"expected the BLAKE3 {shard.blake3}, got {found}")
            checked += 1
    is_about = skip_filter(dataset, gone)
    for listed, skip in read_skips(dataset):
        if is_about(skip):
            raise _damaged(dataset, listed, "a removed subject is still in this list")
    check_no_extra_files(dataset)
    return Proof(sum(shard.samples for shard in dataset.shards), checked)


def check_no_extra_files(dataset: Dataset) -> None:
    """Raise UsageError for a file that the manifest does not record: it may hold a removed subject."""
    newest = replace(dataset, generation=dataset.manifest.current)
    recorded = {MANIFEST, *dataset.manifest.files, *(shard.name for shard in newest.shards)}
    other = min((name for name in _files_below(dataset) if name not in recorded), default=None)
    if other is not None:
        path = os.path.join(dataset.folder, other)  # noqa: PTH118 - a name that need not be UTF-8
        raise UsageError(
            f"{path}: not a file of the dataset, so it may hold samples of a removed subject. "
            "Move it out of the folder, then run the same command again."
        )


def _files_below(dataset: Dataset) -> Iterator[str]:
    """The names of all files below the folder, outside the workspace; a link is a file, wherever it leads."""
    with os_errors(dataset.folder):
        for folder, folders, files in os.walk(dataset.folder, onerror=_raise):
            inner = os.path.relpath(folder, dataset.folder)
            if inner == ".":
                folders[:] = [each for each in folders if each != WORKSPACE]
            links = [each for each in folders if os.path.islink(os.path.join(folder, each))]  # noqa: PTH114, PTH118
            for name in (*files, *links):
                yield os.path.normpath(os.path.join(inner, name))  # noqa: PTH118


def _raise(error: OSError) -> None:
    raise error


def read_lines(dataset: Dataset, name: str) -> Iterator[bytes]:
    """Read a list line by line: there can be more than fit into memory."""
    with missing_is_damage(dataset.folder, name):
        yield from iter_lines(dataset.folder / name, dataset.folder)


def read_skips(dataset: Dataset) -> Iterator[tuple[str, SkippedRecord]]:
    """Read every record of a skipped input up to this generation, each with the name of the list that has it."""
    for generation in dataset.manifest.generations:
        if generation.number <= dataset.generation.number:
            for line in read_lines(dataset, generation.listed):
                yield generation.listed, SkippedRecord.parse(line, dataset.folder / generation.listed)


def skip_filter(dataset: Dataset, subjects: Collection[str]) -> Callable[[SkippedRecord], bool]:
    """Return a test for whether a skipped input is of one of these subjects.

    The layout finds the subject in a path. Where no layout matches, each word of the path counts as a subject.
    """
    layouts = _layouts(dataset)

    def is_about(skip: SkippedRecord) -> bool:
        if match := match_first(layouts, skip.path):
            return match[1] in subjects
        return any(encode_name(word) in subjects for word in re.split(rb"[/._ -]+", skip.path))

    return is_about


def _layouts(dataset: Dataset) -> tuple[Layout, ...]:
    layout = dataset.manifest.options.get("layout")
    if not layout:
        return KNOWN_LAYOUTS
    try:
        return (Layout.parse(layout),)  # type: ignore[arg-type]  # what is no text raises TypeError
    except (TypeError, AttributeError, UsageError) as error:
        what = f"the option 'layout' is {layout!r:.80}, expected a template such as {KNOWN_LAYOUTS[0].template!r}"
        raise _damaged(dataset, MANIFEST, what) from error


def _damaged(dataset: Dataset, name: str, what: str) -> Damaged:
    return Damaged(f"{dataset.folder / name}: {what}. {command_hint('verify', dataset.folder)} lists what is damaged.")
