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
from shardkit.pack.plan.sharding import AnyPlan, planned
from shardkit.pack.plan.split import AnySplitting, Listed, _splitting, ratios_of
from shardkit.pack.source.candidates import KEY, SKIPPED_COLUMNS, Skip, keys_of, only
from shardkit.pack.source.layout import Layout
from shardkit.pack.source.lists import ListFile, _names, read_groups, read_list, strangers
from shardkit.pack.source.names import instead, left_out
from shardkit.pack.source.scan import Scan, scan, scan_list
from shardkit.pack.workspace import SKIPPED
from shardkit.pack.write.receipts import finished
from shardkit.storage.errors import explained
from shardkit.storage.local import plain_lines

EXCLUDED = "excluded"
"""The reason, as skipped.jsonl has it."""

EXCLUDED_BY = "the list of --exclude names it"
"""The detail next to it."""

_SHOWN = 3


def without_excluded(scan: Scan, list_file: ListFile | None) -> Scan:
    """What was found, without the samples that the list names, if there is one."""
    if list_file is None:
        return scan
    keys, names = keys_of(scan.found), _names(list_file)
    chosen = pc.is_in(keys, value_set=names)
    return replace(
        scan,
        found=only(scan.found, pc.invert(chosen)),
        skipped=pa.concat_tables([scan.skipped, _skipped(scan.found["source"].filter(chosen))]),
        warnings=(*scan.warnings, *_in_vain(list_file, names, keys)),
    )


def _skipped(sources: pa.ChunkedArray) -> pa.Table:
    said = [[each] * len(sources) for each in (EXCLUDED, EXCLUDED_BY)]
    return pa.table([sources.cast(pa.binary()), *said], schema=SKIPPED_COLUMNS)


def _in_vain(list_file: ListFile, names: pa.Array, keys: pa.ChunkedArray) -> tuple[str, ...]:
    """A warning, where keys of the list are those of no sample: a misspelt one would be trained on."""
    meant = [name for name in names.to_pylist() if not name.startswith("#")]
    known = pc.is_in(pa.array(meant, KEY), value_set=keys).to_pylist()
    unknown = [name for name, there in zip(meant, known, strict=True) if not there]
    if not unknown:
        return ()
    first = ", ".join(map(ascii, unknown[:_SHOWN])) + (", …" if len(unknown) > _SHOWN else "")
    said = f"{list_file}: names {len(unknown):,} of {len(meant):,} in vain: no sample to be packed is {first}."
    return (f"{said} Write keys as `shardkit ls` prints them.",)


Count = Callable[[int], None]


@dataclass(frozen=True)
class Request:
    """What a user asks for, with the files that the options only name by their digest."""

    root: Path
    folder: Path
    options: PackOptions
    files: ListFile | None = None
    groups: ListFile | None = None
    split_file: ListFile | None = None
    exclude: ListFile | None = None


@dataclass(frozen=True)
class Draft:
    """A plan before it is published."""

    plan: AnyPlan
    splitting: AnySplitting
    skipped: pa.Table
    ignored: Mapping[str, int]
    warnings: tuple[str, ...] = ()
    """What the user should know of, though it can be meant."""

    @property
    def inputs(self) -> int:
        return sum(shard.samples for shard in self.plan.shards) + len(self.skipped)

    def refuse_skipped(self) -> None:
        """Stop at the first input that cannot be packed, where none may be left out but those that were named."""
        refused = self.skipped.filter(pc.not_equal(self.skipped["reason"], EXCLUDED))
        for row in refused.sort_by("source").slice(0, 1).to_pylist():
            raise Skip.of(row["source"], row["reason"], row["detail"]).refusal


def refuse_skipped(folder: Path, plan: PlanFile) -> None:
    """Stop at the first input that the run before left out, if it went on where this one may leave none out."""
    scanned = (Skip.parsed(line, folder / SKIPPED) for line in plain_lines(folder / SKIPPED, folder))
    parts = (finished(folder, shard, plan.hash) for shard in plan.shards)
    for skip in chain(scanned, chain.from_iterable(part.skipped for part in parts if part)):
        if skip.reason != EXCLUDED:
            raise skip.refusal


def drafted(request: Request, threads: int, watch: Count) -> Draft:
    found = without_excluded(scanned(request, threads, watch), request.exclude)
    if not len(found.found):
        raise UsageError(f"{request.exclude}: names all images below {request.root}. Leave some, to be packed.")
    subjects = pc.unique(found.found["subject"]).to_pylist()
    groups, splits, warnings = read_lists(request, subjects)
    splitting = _splitting(request.options, subjects, groups, splits)
    columns = dict(zip(found.found.column_names, found.found.columns, strict=True))
    skipped, ignored = found.skipped, found.ignored
    warnings = (*found.warnings, *left_out(request.root, ignored), *warnings)
    del found, subjects  # the columns are a million rows: planning takes them over

    def split_of(subject: str) -> str:
        return splitting.split_of(subject, groups.get(subject, subject))

    plan = planned(columns, groups, split_of, request.options.shard_size)
    return Draft(plan, splitting, skipped, ignored, warnings)


def check_places(root: Path, folder: Path) -> None:
    """Refuse a source that is no folder, or that the dataset's folder lies in: a source is only read."""
    if not root.is_dir():
        what = "that is a file, not a folder" if root.is_file() else "there is no such folder"
        raise UsageError(f"{root}: {what} to pack. Name the folder that holds the images.")
    with explained(folder):
        source, target = root.resolve(), folder.resolve()
    if source == target or source in target.parents or target in source.parents:
        raise UsageError(f"{folder} and {root} lie in one another, but a source is only read. Name a folder apart.")


def check_request(request: Request) -> None:
    """Read what is asked for as far as it can be read without the source: a mistake should not cost a scan."""
    check_lists(request)
    if not request.split_file:
        ratios_of(request.options.splits)
    if request.options.layout:
        Layout.parsed(request.options.layout)


def check_lists(request: Request, splits: Iterable[str] = ()) -> None:
    """Refuse lists of groups and splits that are not valid; `splits` are those that the dataset has already."""
    if request.groups:
        read_groups(request.groups)
    if request.split_file:
        check_split_names(read_list(request.split_file, "split").values(), existing=splits)


def scanned(request: Request, threads: int, watch: Count) -> Scan:
    layout = Layout.parsed(request.options.layout) if request.options.layout else None
    if request.files:
        found = scan_list(request.root, request.files, layout, threads, watch)
    else:
        found = scan(request.root, layout, threads, watch)
    if not len(found.found):
        raise UsageError(
            f"{request.root}: {_nothing(found)} {instead(request.root, found.ignored) or _advice(request)}"
        )
    return found


def read_lists(request: Request, subjects: Sequence[str]) -> tuple[Listed, Listed | None, tuple[str, ...]]:
    """The groups and the splits that files name, and what they name in vain."""
    groups = read_groups(request.groups) if request.groups else {}
    splits = read_list(request.split_file, "split") if request.split_file else None
    lists = [(path, listed or {}) for path, listed in ((request.groups, groups), (request.split_file, splits)) if path]
    known = frozenset(subjects if lists else ())
    warnings = (strangers(path, listed, known) for path, listed in lists)
    return groups, splits, tuple(chain.from_iterable(warnings))


def _nothing(found: Scan) -> str:
    parts = [_counted(count, kind) for kind, count in found.ignored.most_common(5)]
    there = f" What is there: {', '.join(parts)}." if parts else ""
    reasons = [f"{count:,} {reason}" for reason, count in Counter(found.skipped["reason"].to_pylist()).most_common(5)]
    refused = f", and what cannot be packed: {', '.join(reasons)}" if reasons else ""
    return f"no PNG to pack{refused}.{there}"


def _counted(count: int, kind: str) -> str:
    of = {"other": "other file", "junk": "hidden or temporary file"}.get(
        kind, f"{kind} file" if kind[0] == "." else kind
    )
    return f"{count:,} {of}{'' if count == 1 else 's'}"


def _advice(request: Request) -> str:
    """A path is never taken as seen from the current folder too: the same command would pack something else there."""
    if not request.files:
        return "Name a folder with images."
    find = f"cd {quote(str(request.root))} && find . -name '*.png'"
    how = "write them as seen from there" if request.files.is_json else f"list them with `{find}`"
    return f"Paths in {request.files} are relative to {request.root}: {how}."
