"""New subjects and impressions for a dataset that is there: more shards, and nothing else is touched.

Everybody keeps the split and the label that they have. A newcomer follows its group; one without a known group is
judged by the thresholds of the first pack, which is why nobody ever has to move.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from shardkit.errors import UsageError
from shardkit.format.opened import Dataset
from shardkit.pack.deciding import versions
from shardkit.pack.lists import read_list
from shardkit.pack.options import PackOptions
from shardkit.pack.plan import Before, planned
from shardkit.pack.planfile import Terms
from shardkit.pack.planning import Count, Draft, Request, Splitting, scanned
from shardkit.pack.split import Thresholds


@dataclass(frozen=True)
class Newcomers:
    """What the source has and the dataset has not."""

    draft: Draft
    terms: Terms
    known: int
    """Images of the source whose key is in the dataset: they stay as they are there."""


def appended(request: Request, dataset: Dataset, threads: int, watch: Count) -> Newcomers:
    """Plan what is new; the options are those of the first pack."""
    manifest = dataset.manifest
    if manifest.options.get("adopted") or manifest.options.get("shape"):
        raise UsageError(f"{dataset.folder}: was not packed from a tree, so a tree cannot be appended to it.")
    options = PackOptions.recorded(manifest.options)
    scan = scanned(replace(request, options=options), threads, watch)
    new = scan.found.filter(pc.invert(pc.is_in(_keys(scan.found), _known_keys(dataset))))
    if not len(new):
        raise UsageError(f"{request.root}: all {len(scan.found):,} images are in {dataset.folder} already.")
    listed = read_list(request.groups, "group") if request.groups else {}
    splits = _splits(new, listed, dataset, request.split_file)
    columns = dict(zip(new.column_names, new.columns, strict=True))
    # Without those whom the dataset knows all of: a dictionary keeps its values however few rows are left.
    columns["subject"] = columns["subject"].cast(pa.string()).dictionary_encode().unify_dictionaries()
    before = Before(
        labels={each.subject: each.label for each in dataset.subjects},
        classes={split: totals.classes for split, totals in dataset.splits.items()},
        shards={split: totals.shards for split, totals in dataset.splits.items()},
    )
    plan = planned(columns, _groups(listed, dataset), splits.__getitem__, options.shard_size, before)
    draft = Draft(plan, Splitting(None, splits), scan.skipped, scan.ignored)
    terms = Terms(
        options=manifest.options,
        codec=manifest.codec,  # type: ignore[arg-type]  # written by ourselves
        choice=manifest.choice,
        splitting=manifest.splitting,
        versions=versions(pixels=bool(manifest.preparation)),
        preparation=manifest.preparation,
        generation=manifest.current.number + 1,
        by="append",
        inputs=draft.inputs,
    )
    return Newcomers(draft, terms, len(scan.found) - len(new))


def _keys(found: pa.Table) -> pa.ChunkedArray:
    return pc.binary_join_element_wise(found["subject"].cast(pa.string()), found["impression"], "/")


def _known_keys(dataset: Dataset) -> pa.ChunkedArray:
    chunks = [chunk for shard in dataset.shards for chunk in dataset.rows(shard)["key"].chunks]
    return pa.chunked_array(chunks, pa.string())


def _groups(listed: Mapping[str, str], dataset: Dataset) -> dict[str, str]:
    """What the list says, but whom the dataset knows keeps what it has."""
    return {**listed, **{each.subject: each.group for each in dataset.subjects}}


def _splits(new: pa.Table, listed: Mapping[str, str], dataset: Dataset, split_file: Path | None) -> dict[str, str]:
    """The split of everyone in the source who is to be packed."""
    known = {each.subject: each.split for each in dataset.subjects}
    homes = _homes(listed, dataset)
    asked = read_list(split_file, "split") if split_file else {}
    thresholds = dataset.manifest.splitting.get("thresholds")
    fitted = Thresholds.recorded(thresholds) if isinstance(thresholds, Mapping) else None
    splits: dict[str, str] = {}
    for subject in pc.unique(new["subject"]).to_pylist():
        group = listed.get(subject, subject)
        split = known.get(subject) or _home(group, homes) or (fitted.split_of(group) if fitted else asked.get(subject))
        if split is None:
            raise UsageError(
                f"{subject} is new, and {dataset.folder} was split by a list. Name its split with --split-file."
            )
        splits[subject] = split
    return splits


def _homes(listed: Mapping[str, str], dataset: Dataset) -> dict[str, set[str]]:
    """The splits in which each group has members."""
    homes: dict[str, set[str]] = {}
    for each in dataset.subjects:
        for group in (each.group, listed.get(each.subject, each.group)):
            homes.setdefault(group, set()).add(each.split)
    return homes


def _home(group: str, homes: Mapping[str, set[str]]) -> str | None:
    splits = sorted(homes.get(group, ()))
    if len(splits) > 1:
        raise UsageError(
            f"the group {group} has members in {' and '.join(splits)}: a newcomer cannot stay with all of them. "
            "Give newcomers a group whose members are in one split."
        )
    return splits[0] if splits else None
