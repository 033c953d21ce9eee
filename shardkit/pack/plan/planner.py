"""Draft of a plan: scan the source, apply the lists, group, split and shard, before anything is written.

Excluded samples are inputs like all others, counted and listed as skipped. The user requested it, so they are no error.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain
from pathlib import Path
from shlex import quote

import pyarrow as pa
import pyarrow.compute as pc

from shardkit.errors import UsageError
from shardkit.format.generation import check_split_names
from shardkit.pack.options import PackOptions
from shardkit.pack.plan.planfile import PlanFile
from shardkit.pack.plan.sharding import PackPlan, assign_shards
from shardkit.pack.plan.split import AnySplitting, ListedNames, _splitting, ratios_of
from shardkit.pack.source.candidates import KEY_TYPE, SKIPPED_SCHEMA, SkippedRecord, filter_candidates, keys_of
from shardkit.pack.source.file_types import advise_conversion, warn_other_images
from shardkit.pack.source.layout import Layout
from shardkit.pack.source.lists import ListFile, _names, read_groups, read_list, warn_unknown_subjects
from shardkit.pack.source.scan import ScanResult, scan, scan_listed_files
from shardkit.pack.workspace import SKIPPED
from shardkit.pack.write.receipts import read_receipt
from shardkit.storage.errors import os_errors
from shardkit.storage.local import iter_lines

EXCLUDED = "excluded"
"""The reason, as skipped.jsonl has it."""

EXCLUDED_BY = "the list of --exclude names it"
"""The detail next to it."""

_SHOWN = 3


def apply_exclusions(scan: ScanResult, list_file: ListFile | None) -> ScanResult:
    """What was found, without the samples that the list names, if there is one."""
    if list_file is None:
        return scan
    keys, names = keys_of(scan.found), _names(list_file)
    chosen = pc.is_in(keys, value_set=names)
    return replace(
        scan,
        found=filter_candidates(scan.found, pc.invert(chosen)),
        skipped=pa.concat_tables([scan.skipped, _skipped(scan.found["source"].filter(chosen))]),
        warnings=(*scan.warnings, *_in_vain(list_file, names, keys)),
    )


def _skipped(sources: pa.ChunkedArray) -> pa.Table:
    said = [[each] * len(sources) for each in (EXCLUDED, EXCLUDED_BY)]
    return pa.table([sources.cast(pa.binary()), *said], schema=SKIPPED_SCHEMA)


def _in_vain(list_file: ListFile, names: pa.Array, keys: pa.ChunkedArray) -> tuple[str, ...]:
    """A warning, where keys of the list are those of no sample: a misspelt one would be trained on."""
    meant = [name for name in names.to_pylist() if not name.startswith("#")]
    known = pc.is_in(pa.array(meant, KEY_TYPE), value_set=keys).to_pylist()
    unknown = [name for name, there in zip(meant, known, strict=True) if not there]
    if not unknown:
        return ()
    first = ", ".join(map(ascii, unknown[:_SHOWN])) + (", …" if len(unknown) > _SHOWN else "")
    said = f"{list_file}: names {len(unknown):,} of {len(meant):,} in vain: no sample to be packed is {first}."
    return (f"{said} Write keys as `shardkit ls` prints them.",)


CountProgress = Callable[[int], None]


@dataclass(frozen=True)
class PackRequest:
    """What a user asks for, with the files that the options only name by their digest."""

    root: Path
    folder: Path
    options: PackOptions
    files: ListFile | None = None
    groups: ListFile | None = None
    split_file: ListFile | None = None
    exclude: ListFile | None = None


@dataclass(frozen=True)
class PlanDraft:
    """A plan before it is published."""

    plan: PackPlan
    splitting: AnySplitting
    skipped: pa.Table
    ignored: Mapping[str, int]
    warnings: tuple[str, ...] = ()
    """What the user should know of, though it can be meant."""

    @property
    def inputs(self) -> int:
        return sum(shard.samples for shard in self.plan.shards) + len(self.skipped)

    def check_no_skipped(self) -> None:
        """Stop at the first input that cannot be packed, where none may be left out but those that were named."""
        refused = self.skipped.filter(pc.not_equal(self.skipped["reason"], EXCLUDED))
        for row in refused.sort_by("source").slice(0, 1).to_pylist():
            raise SkippedRecord.of(row["source"], row["reason"], row["detail"]).refusal


def check_no_skipped(folder: Path, plan: PlanFile) -> None:
    """Stop at the first input that the run before left out, if it went on where this one may leave none out."""
    scanned = (SkippedRecord.parse(line, folder / SKIPPED) for line in iter_lines(folder / SKIPPED, folder))
    parts = (read_receipt(folder, shard, plan.hash) for shard in plan.shards)
    for skip in chain(scanned, chain.from_iterable(part.skipped for part in parts if part)):
        if skip.reason != EXCLUDED:
            raise skip.refusal


def draft_plan(request: PackRequest, threads: int, watch: CountProgress) -> PlanDraft:
    found = apply_exclusions(scan_request(request, threads, watch), request.exclude)
    if not len(found.found):
        raise UsageError(f"{request.exclude}: names all images below {request.root}. Leave some, to be packed.")
    subjects = pc.unique(found.found["subject"]).to_pylist()
    groups, splits, warnings = read_lists(request, subjects)
    splitting = _splitting(request.options, subjects, groups, splits)
    columns = dict(zip(found.found.column_names, found.found.columns, strict=True))
    skipped, ignored = found.skipped, found.ignored
    warnings = (*found.warnings, *warn_other_images(request.root, ignored), *warnings)
    del found, subjects  # the columns are a million rows: planning takes them over

    def split_of(subject: str) -> str:
        return splitting.split_of(subject, groups.get(subject, subject))

    plan = assign_shards(columns, groups, split_of, request.options.shard_size)
    return PlanDraft(plan, splitting, skipped, ignored, warnings)


def check_paths(root: Path, folder: Path) -> None:
    """Refuse a source that is no folder, or that the dataset's folder lies in: a source is only read."""
    if not root.is_dir():
        what = "that is a file, not a folder" if root.is_file() else "there is no such folder"
        raise UsageError(f"{root}: {what} to pack. Name the folder that holds the images.")
    with os_errors(folder):
        source, target = root.resolve(), folder.resolve()
    if source == target or source in target.parents or target in source.parents:
        raise UsageError(f"{folder} and {root} lie in one another, but a source is only read. Name a folder apart.")


def check_request(request: PackRequest) -> None:
    """Read what is asked for as far as it can be read without the source: a mistake should not cost a scan."""
    check_lists(request)
    if not request.split_file:
        ratios_of(request.options.splits)
    if request.options.layout:
        Layout.parse(request.options.layout)


def check_lists(request: PackRequest, splits: Iterable[str] = ()) -> None:
    """Refuse lists of groups and splits that are not valid; `splits` are those that the dataset has already."""
    if request.groups:
        read_groups(request.groups)
    if request.split_file:
        check_split_names(read_list(request.split_file, "split").values(), existing=splits)


def scan_request(request: PackRequest, threads: int, watch: CountProgress) -> ScanResult:
    layout = Layout.parse(request.options.layout) if request.options.layout else None
    if request.files:
        found = scan_listed_files(request.root, request.files, layout, threads, watch)
    else:
        found = scan(request.root, layout, threads, watch)
    if not len(found.found):
        raise UsageError(
            f"{request.root}: {_explain_nothing_found(found)} "
            f"{advise_conversion(request.root, found.ignored) or _advice(request)}"
        )
    return found


def read_lists(
    request: PackRequest, subjects: Sequence[str]
) -> tuple[ListedNames, ListedNames | None, tuple[str, ...]]:
    """The groups and the splits that files name, and what they name in vain."""
    groups = read_groups(request.groups) if request.groups else {}
    splits = read_list(request.split_file, "split") if request.split_file else None
    lists = [(path, listed or {}) for path, listed in ((request.groups, groups), (request.split_file, splits)) if path]
    known = frozenset(subjects if lists else ())
    warnings = (warn_unknown_subjects(path, listed, known) for path, listed in lists)
    return groups, splits, tuple(chain.from_iterable(warnings))


def _explain_nothing_found(found: ScanResult) -> str:
    parts = [_format_count(count, kind) for kind, count in found.ignored.most_common(5)]
    there = f" What is there: {', '.join(parts)}." if parts else ""
    reasons = [f"{count:,} {reason}" for reason, count in Counter(found.skipped["reason"].to_pylist()).most_common(5)]
    refused = f", and what cannot be packed: {', '.join(reasons)}" if reasons else ""
    return f"no PNG to pack{refused}.{there}"


def _format_count(count: int, kind: str) -> str:
    of = {"other": "other file", "junk": "hidden or temporary file"}.get(
        kind, f"{kind} file" if kind[0] == "." else kind
    )
    return f"{count:,} {of}{'' if count == 1 else 's'}"


def _advice(request: PackRequest) -> str:
    """A path is never taken as seen from the current folder too: the same command would pack something else there."""
    if not request.files:
        return "Name a folder with images."
    find = f"cd {quote(str(request.root))} && find . -name '*.png'"
    how = "write them as seen from there" if request.files.is_json else f"list them with `{find}`"
    return f"Paths in {request.files} are relative to {request.root}: {how}."
