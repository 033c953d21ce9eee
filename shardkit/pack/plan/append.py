"""Plan of an append: new subjects and impressions in additional shards, and nothing else changed.

Every subject of the dataset keeps its split and its label. A new subject is in the split of its group. If the group is
new too, it is in the split that --split-file names for it, or else in the one that the recorded thresholds give.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from shardkit.errors import Damaged, UsageError
from shardkit.format.generation import check_split_names
from shardkit.pack.generation_writer import library_versions
from shardkit.pack.options import PackOptions, codec_of
from shardkit.pack.plan.planfile import PlanHeader
from shardkit.pack.plan.planner import (
    EXCLUDED,
    CountProgress,
    PackRequest,
    PlanDraft,
    apply_exclusions,
    check_lists,
    check_paths,
    read_lists,
    scan_request,
)
from shardkit.pack.plan.sharding import PriorState, assign_shards, bytes_per_row
from shardkit.pack.plan.split import Splitting, Thresholds, splits_from_list
from shardkit.pack.source.candidates import KEY_TYPE, filter_candidates, keys_of
from shardkit.pack.source.lists import ListFile, digest_of, digest_of_files, has_subject_list, recorded_split_file
from shardkit.reader.dataset import Dataset
from shardkit.schema import Manifest

_MOST_CLASSES = 1 << 62
"""Far below what a label can be, so that new subjects still get one."""


@dataclass(frozen=True)
class ExistingImages:
    """Images of the source whose key is in the dataset: they stay as they are there."""

    images: int
    differing: int
    """How many are not as large as what was packed, so that they may well be other pictures."""

    def message(self, folder: Path) -> tuple[str, ...]:
        if not self.differing:
            return ()
        differ = f"{self.differing:,} of {self.images:,} images have the key of one in {folder} and another size: what"
        return (
            f"{differ} was packed stays, and these are not in it. If they are of others, name their folders apart.",
        )


@dataclass(frozen=True)
class AppendPlan:
    """What the source has and the dataset has not."""

    draft: PlanDraft
    terms: PlanHeader
    known: ExistingImages


def append_request(root: Path, folder: Path, manifest: Manifest, lists: Mapping[str, ListFile | None]) -> PackRequest:
    """Return what an append is asked for: the options of the first pack, with the lists of this command.

    Raises:
        UsageError: Nothing can be appended from this source, or a list is not valid.
        Damaged: The manifest's options are none that a pack writes.
    """
    if manifest.options.get("adopted") or manifest.options.get("shape"):
        raise UsageError(f"{folder}: was not packed from a tree, so a tree cannot be appended to it.")
    recorded = PackOptions.recorded(manifest.options, folder)
    split_file = lists["split_file"]
    asked = replace(
        recorded,
        files=digest_of_files(lists["files"]),
        groups=digest_of(lists["groups"]),
        exclude=digest_of(lists["exclude"]),
        splits=recorded_split_file(split_file) if split_file else recorded.splits,
    )
    request = PackRequest(root, folder, asked, **lists)
    check_paths(root, folder)
    check_lists(request, manifest.current.splits)
    return request


def plan_append(
    request: PackRequest, dataset: Dataset, threads: int, watch: CountProgress
) -> AppendPlan | ExistingImages:
    """Plan what is new; where nothing is, tell what is known."""
    manifest, options = dataset.manifest, request.options
    _check_lists_given(request, dataset)
    scan = scan_request(request, threads, watch)
    keys, sizes = _known(dataset)
    places = pc.index_in(keys_of(scan.found), value_set=keys).combine_chunks()
    rest = apply_exclusions(replace(scan, found=filter_candidates(scan.found, pc.is_null(places))), request.exclude)
    kept = manifest.codec == "png" and not manifest.preparation
    met = ExistingImages(int(pc.count(places).as_py()), _differing(scan.found, places, sizes) if kept else 0)
    new = rest.found
    known = {each.subject: each.split for each in dataset.subjects}
    subjects = pc.unique(new["subject"]).to_pylist()
    groups, listed, warnings = read_lists(request, [*subjects, *known])
    _check_same_splits(known, listed or {})
    if not len(new):
        return met
    splits = _splits(subjects, groups, listed or {}, dataset)
    check_split_names(splits.values(), existing=dataset.splits)
    columns = dict(zip(new.column_names, new.columns, strict=True))
    plan = assign_shards(columns, _groups(groups, dataset), splits.__getitem__, options.shard_size, _before(dataset))
    warnings = (*rest.warnings, *warnings, *_warn_split_groups(groups, dataset))
    draft = PlanDraft(plan, Splitting(None, splits), rest.skipped, rest.ignored, warnings)
    terms = PlanHeader(
        options=options.record(),
        codec=codec_of(manifest),
        choice=manifest.choice,
        splitting=manifest.splitting,
        versions=library_versions(pixels=bool(manifest.preparation)),
        preparation=manifest.preparation,
        generation=manifest.current.number + 1,
        by="append",
        inputs=draft.inputs,
    )
    return AppendPlan(draft, terms, met)


def _before(dataset: Dataset) -> PriorState:
    for totals in dataset.splits.values():
        if totals.classes > _MOST_CLASSES:
            raise Damaged(
                f"{dataset.folder}: its manifest counts {totals.classes:,} classes, more than a split can have."
            )
    return PriorState(
        labels={each.subject: each.label for each in dataset.subjects},
        classes={split: totals.classes for split, totals in dataset.splits.items()},
        shards={split: totals.shards for split, totals in dataset.splits.items()},
    )


def _check_lists_given(request: PackRequest, dataset: Dataset) -> None:
    """Of a list only the digest is kept: without it, what was left out and what was named otherwise would be new."""
    if has_subject_list(PackOptions.recorded(dataset.manifest.options)) and not (
        request.files and request.files.is_json
    ):
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
    keys = pa.chunked_array([chunk for rows in tables for chunk in rows["key"].chunks], pa.string()).cast(KEY_TYPE)
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


def _splits(
    subjects: Sequence[str], groups: Mapping[str, str], listed: Mapping[str, str], dataset: Dataset
) -> dict[str, str]:
    """The split of each of the subjects, those of the dataset and new ones."""
    known = {each.subject: each.split for each in dataset.subjects}
    splits = {subject: known[subject] for subject in subjects if subject in known}
    new = [subject for subject in subjects if subject not in known]
    split_of = _split_of_group(new, groups, listed, dataset)
    return {**splits, **{subject: split_of(groups.get(subject, subject)) for subject in new}}


def _split_of_group(
    new: Sequence[str], groups: Mapping[str, str], listed: Mapping[str, str], dataset: Dataset
) -> Callable[[str], str]:
    """The split of a group that has new subjects."""
    homes, asked = _splits_of_groups(groups, dataset), _listed_groups(new, groups, listed)
    thresholds = dataset.manifest.splitting.get("thresholds")
    fitted = Thresholds.recorded(thresholds) if isinstance(thresholds, Mapping) else None

    def split_of(group: str) -> str:
        home, named = _home(group, homes), asked.get(group)
        if home and named and named != home:
            raise UsageError(
                f"--split-file: a subject of the group {group} is listed for {named}, but the group is in {home} "
                f"already, and must stay together. List it for {home}, or give it another group."
            )
        split = home or named or (fitted.split_of(group) if fitted else None)
        if split is None:
            subject = next(each for each in new if groups.get(each, each) == group)
            raise UsageError(
                f"{subject} is new, and {dataset.folder} was split by a list. Name its split with --split-file."
            )
        return split

    return split_of


def _listed_groups(new: Iterable[str], groups: Mapping[str, str], listed: Mapping[str, str]) -> dict[str, str]:
    """The split that the list names for each group of new subjects: for all of it, where it names one of them."""
    named = splits_from_list((each for each in new if each in listed), listed, groups)
    return {groups.get(subject, subject): split for subject, split in named.items()}


def _check_same_splits(known: Mapping[str, str], listed: Mapping[str, str]) -> None:
    moved = sorted(subject for subject, split in listed.items() if known.get(subject, split) != split)
    if moved:
        first = moved[0]
        raise UsageError(
            f"--split-file: {first} is listed for {listed[first]}, but is in {known[first]} already, and append moves "
            f"no subject ({len(moved):,} such lines). Correct the list, or pack into a new folder with it."
        )


def _splits_of_groups(listed: Mapping[str, str], dataset: Dataset) -> dict[str, set[str]]:
    """The splits in which each group has members."""
    homes: dict[str, set[str]] = {}
    for each in dataset.subjects:
        for group in (each.group, listed.get(each.subject, each.group)):
            homes.setdefault(group, set()).add(each.split)
    return homes


def _warn_split_groups(listed: Mapping[str, str], dataset: Dataset) -> tuple[str, ...]:
    """A warning, where the list comes too late: validation would see the twins of training."""
    torn = sorted(group for group, splits in _splits_of_groups(listed, dataset).items() if len(splits) > 1)
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
