"""From a source and what was asked for to a plan: scan, group, split, choose a codec, decide."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import pyarrow as pa
import pyarrow.compute as pc

from shardkit.errors import UsageError
from shardkit.format.manifest import NAME
from shardkit.pack.layout import Layout
from shardkit.pack.lists import read_list
from shardkit.pack.options import PackOptions
from shardkit.pack.part import Skip
from shardkit.pack.plan import AnyPlan, planned
from shardkit.pack.scan import Scan, scan, scan_list
from shardkit.pack.split import Thresholds, by_list, fitted, folds, parsed_ratios

Count = Callable[[int], None]

_FOLDS = re.compile(r"folds=(\d{1,4})")


@dataclass(frozen=True)
class Request:
    """What a user asks for, with the files that the options only name by their digest."""

    root: Path
    folder: Path
    options: PackOptions
    files: Path | None = None
    groups: Path | None = None
    split_file: Path | None = None


@dataclass(frozen=True)
class Splitting:
    """How subjects find their split: by thresholds, or as a file lists them."""

    thresholds: Thresholds | None
    listed: Mapping[str, str]

    def split_of(self, subject: str, group: str) -> str:
        return self.listed[subject] if self.thresholds is None else self.thresholds.split_of(group)

    def record(self) -> dict[str, Any]:
        """Kept in the manifest; what a file listed is kept in the table of subjects."""
        return {"thresholds": self.thresholds.record()} if self.thresholds else {"listed": True}


class AnySplitting(Protocol):
    def record(self) -> dict[str, Any]:
        """As the manifest keeps it."""


@dataclass(frozen=True)
class Draft:
    """A plan before it is published."""

    plan: AnyPlan
    splitting: AnySplitting
    skipped: pa.Table
    ignored: Mapping[str, int]

    @property
    def inputs(self) -> int:
        return sum(shard.samples for shard in self.plan.shards) + len(self.skipped)

    def refuse_skipped(self) -> None:
        """Stop at the first input that cannot be packed, where none may be left out."""
        for row in self.skipped.sort_by("source").slice(0, 1).to_pylist():
            raise Skip.of(row["source"], row["reason"], row["detail"]).refusal


def drafted(request: Request, threads: int, watch: Count) -> Draft:
    found = scanned(request, threads, watch)
    groups = read_list(request.groups, "group") if request.groups else {}
    splitting = _splitting(request, pc.unique(found.found["subject"]).to_pylist(), groups)
    columns = dict(zip(found.found.column_names, found.found.columns, strict=True))
    skipped, ignored = found.skipped, found.ignored
    del found  # the columns are a million rows: planning takes them over

    def split_of(subject: str) -> str:
        return splitting.split_of(subject, groups.get(subject, subject))

    return Draft(planned(columns, groups, split_of, request.options.shard_size), splitting, skipped, ignored)


def refuse_what_cannot_be_meant(request: Request) -> None:
    """Read what is asked for as far as it can be read without the source: a mistake should not cost a scan."""
    for path, column in ((request.groups, "group"), (request.split_file, "split")):
        if path:
            read_list(path, column)
    if not request.split_file:
        _refuse_odd_splits(ratios_of(request.options.splits))
    if request.options.layout:
        Layout.parsed(request.options.layout)


def scanned(request: Request, threads: int, watch: Count) -> Scan:
    layout = Layout.parsed(request.options.layout) if request.options.layout else None
    if request.files:
        found = scan_list(request.root, request.files, layout, threads, watch)
    else:
        found = scan(request.root, layout, threads, watch)
    if not len(found.found):
        raise UsageError(f"{request.root}: {_nothing(found)}")
    return found


def _splitting(request: Request, subjects: list[str], groups: Mapping[str, str]) -> Splitting:
    if request.split_file:
        listed = by_list(subjects, read_list(request.split_file, "split"), groups)
        _refuse_odd_splits(listed.values())
        return Splitting(None, listed)
    return Splitting(fitted(ratios_of(request.options.splits), _group_sizes(subjects, groups)), {})


def ratios_of(splits: str) -> dict[str, float]:
    """The share of each split that the options ask for."""
    asked = _FOLDS.fullmatch(splits)
    ratios = folds(int(asked[1])) if asked else parsed_ratios(splits)
    _refuse_odd_splits(ratios)
    return ratios


def _group_sizes(subjects: list[str], groups: Mapping[str, str]) -> dict[str, int]:
    sizes: dict[str, int] = {}
    for subject in subjects:
        group = groups.get(subject, subject)
        sizes[group] = sizes.get(group, 0) + 1
    return sizes


def _refuse_odd_splits(names: Any) -> None:  # noqa: ANN401
    for name in names:
        if not NAME.fullmatch(name):
            raise UsageError(f"{name!a} cannot name a split: shards are named after it. Use letters, digits, '_', '-'.")


def _nothing(found: Scan) -> str:
    skipped, ignored = len(found.skipped), found.ignored
    parts = [f"{count:,} {kind}" for kind, count in ignored.most_common(5)]
    there = f" There are {', '.join(parts)}." if parts else ""
    refused = f", and {skipped:,} inputs that cannot be" if skipped else ""
    return f"no PNG to pack{refused}.{there} Name a folder with images."
