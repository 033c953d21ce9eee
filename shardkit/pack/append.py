"""New subjects and impressions for a dataset that is there: more shards, and nothing else is touched.

Everybody keeps the split and the label that they have. A newcomer follows its group; one without a known group is
judged by the thresholds of the first pack, which is why nobody ever has to move.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from shardkit.errors import UsageError
from shardkit.format.opened import Dataset
from shardkit.pack.deciding import versions
from shardkit.pack.exclusion import EXCLUDED, without_excluded
from shardkit.pack.found import keys_of, only
from shardkit.pack.groups import read_groups
from shardkit.pack.lists import ListFile, read_list
from shardkit.pack.options import PackOptions
from shardkit.pack.plan import Before, bytes_per_row, planned
from shardkit.pack.planfile import Terms
from shardkit.pack.planning import Count, Draft, Request, Splitting, scanned
from shardkit.pack.split import Thresholds
from shardkit.pack.subject_lists import says_whose


@dataclass(frozen=True)
class Known:
    """Images of the source whose key is in the dataset: they stay as they are there."""

    images: int
    differing: int
    """How many are not as large as what was packed, so that they may well be other pictures."""

    def told(self, folder: Path) -> tuple[str, ...]:
        if not self.differing:
            return ()
        differ = f"{self.differing:,} of {self.images:,} images have the key of one in {folder} and another size: what"
        return (
            f"{differ} was packed stays, and these are not in it. If they are of others, name their folders apart.",
        )


@dataclass(frozen=True)
class Newcomers:
    """What the source has and the dataset has not."""

    draft: Draft
    terms: Terms
    known: Known


def appended(request: Request, dataset: Dataset, threads: int, watch: Count) -> Newcomers | Known:
    """Plan what is new, with the options of the first pack; where nothing is, tell what is known."""
    manifest = dataset.manifest
    if manifest.options.get("adopted") or manifest.options.get("shape"):
        raise UsageError(f"{dataset.folder}: was not packed from a tree, so a tree cannot be appended to it.")
    options = PackOptions.recorded(manifest.options)
    _refuse_to_forget_a_list(request, options, dataset)
    scan = scanned(replace(request, options=options), threads, watch)
    known, sizes = _known(dataset)
    places = pc.index_in(keys_of(scan.found), value_set=known).combine_chunks()
    rest = without_excluded(replace(scan, found=only(scan.found, pc.is_null(places))), request.exclude)
    kept = manifest.codec == "png" and not manifest.preparation
    met = Known(int(pc.count(places).as_py()), _differing(scan.found, places, sizes) if kept else 0)
    new = rest.found
    if not len(new):
        return met
    listed = read_groups(request.groups) if request.groups else {}
    splits = _splits(new, listed, dataset, request.split_file)
    columns = dict(zip(new.column_names, new.columns, strict=True))
    before = Before(
        labels={each.subject: each.label for each in dataset.subjects},
        classes={split: totals.classes for split, totals in dataset.splits.items()},
        shards={split: totals.shards for split, totals in dataset.splits.items()},
    )
    plan = planned(columns, _groups(listed, dataset), splits.__getitem__, options.shard_size, before)
    draft = Draft(plan, Splitting(None, splits), rest.skipped, rest.ignored, (*rest.warnings, *_torn(listed, dataset)))
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
    return Newcomers(draft, terms, met)


def _refuse_to_forget_a_list(request: Request, options: PackOptions, dataset: Dataset) -> None:
    """Of a list only the digest is kept: without it, what was left out and what was named otherwise would be new."""
    if says_whose(options) and not (request.files and request.files.is_json):
        raise UsageError(
            f"{dataset.folder}: a list said whose its images are, and paths may say otherwise. Add --files with such a "
            "list, which may name what is packed already too."
        )
    if not request.exclude and any(EXCLUDED in each.skipped for each in dataset.manifest.generations):
        raise UsageError(
            f"{dataset.folder}: samples were left out of it with --exclude, and would be appended now. Add --exclude "
            "with that list, or with an empty one to let them in."
        )


def _known(dataset: Dataset) -> tuple[pa.Array, pa.Array]:
    """The key and the size, with its sidecars, of every sample of the dataset."""
    tables = [dataset.rows(shard, ["key", "image", "sidecars"]) for shard in dataset.shards]
    keys = pa.chunked_array([chunk for rows in tables for chunk in rows["key"].chunks], pa.string())
    sizes = [np.empty(0, np.int64), *(bytes_per_row(pc.struct_field(rows["image"], "size"), rows) for rows in tables)]
    return keys.combine_chunks(), pa.array(np.concatenate(sizes))


def _differing(found: pa.Table, places: pa.Array, sizes: pa.Array) -> int:
    known = pc.is_valid(places)
    packed = sizes.take(places.filter(known))
    here = pa.array(bytes_per_row(found["size"], found)).filter(known)
    return pc.sum(pc.not_equal(packed, here)).as_py() or 0


def _groups(listed: Mapping[str, str], dataset: Dataset) -> dict[str, str]:
    """Whom the dataset knows keeps the group that it has, and a newcomer that the list puts beside it gets that one."""
    known = {each.subject: each.group for each in dataset.subjects}
    called = {listed[subject]: known[subject] for subject in sorted(listed.keys() & known, reverse=True)}
    return {**{subject: called.get(group, group) for subject, group in listed.items()}, **known}


def _splits(new: pa.Table, listed: Mapping[str, str], dataset: Dataset, split_file: ListFile | None) -> dict[str, str]:
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


def _torn(listed: Mapping[str, str], dataset: Dataset) -> tuple[str, ...]:
    """A warning, where the list comes too late: validation would see the twins of training."""
    torn = sorted(group for group, splits in _homes(listed, dataset).items() if len(splits) > 1)
    if not torn:
        return ()
    said = f"{len(torn):,} groups have members in several splits already, such as {torn[0]}, and nobody moves."
    return (f"{said} Pack anew with --groups to bring them together.",)


def _home(group: str, homes: Mapping[str, set[str]]) -> str | None:
    splits = sorted(homes.get(group, ()))
    if len(splits) > 1:
        raise UsageError(
            f"the group {group} has members in {' and '.join(splits)}: a newcomer cannot stay with all of them. "
            "Give newcomers a group whose members are in one split."
        )
    return splits[0] if splits else None
