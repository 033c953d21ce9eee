"""Splits of groups, decided once: ratios as thresholds, folds, or a list.

A group (twins, a family; else one subject) has a position on a circle of 64-bit numbers: a keyed hash of its name. The
ratios become thresholds on that circle, fitted when a dataset is packed first. Groups that are added later meet the
same thresholds: so no subject ever changes its split, and no group is ever split.
"""

import re
from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate
from math import inf
from typing import Any, Protocol, TypeGuard

from xxhash import xxh3_64_intdigest

from shardkit.errors import Damaged, UsageError
from shardkit.format.generation import check_split_names
from shardkit.pack.options import PackOptions

_KEY = 0x5348_4152_444B_4954
"""Any constant would do, but another one would move every subject."""

_CIRCLE = 1 << 64

_NAMED = 5

_PLACE = re.compile(r"[0-9a-f]{16}")


@dataclass(frozen=True)
class Thresholds:
    """Split i holds the groups whose place is below `below[i]` and not below the one before."""

    names: tuple[str, ...]
    below: tuple[int, ...]

    def split_of(self, group: str) -> str:
        return self.names[bisect_right(self.below, circle_position(group))]

    def record(self) -> dict[str, Any]:
        # As text: a reader that takes numbers for floats would move the thresholds.
        return {"names": list(self.names), "below": [f"{each:016x}" for each in self.below]}

    @staticmethod
    def recorded(record: Mapping[str, Any]) -> "Thresholds":
        """Return the thresholds that a manifest keeps; Damaged if they do not divide the circle into splits."""
        names, below = record.get("names"), record.get("below")
        if not _are_texts(names) or not names or not _are_texts(below) or not all(map(_PLACE.fullmatch, below)):
            raise _damaged("expected names, and 16 hexadecimal digits for each threshold")
        thresholds = Thresholds(tuple(names), tuple(int(each, 16) for each in below))
        if len(below) != len(names) - 1 or list(thresholds.below) != sorted(thresholds.below):
            raise _damaged(f"expected {len(names) - 1} ascending thresholds for {len(names)} splits")
        return thresholds


def _are_texts(values: object) -> TypeGuard[list[str]]:
    return isinstance(values, list) and all(isinstance(each, str) for each in values)


def _damaged(why: str) -> Damaged:
    return Damaged(f"manifest.json: its splitting cannot be read, {why}. Pack the images into a new folder.")


def circle_position(group: str) -> int:
    return xxh3_64_intdigest(group.encode(), seed=_KEY)


def parse_ratios(text: str) -> dict[str, float]:
    """`train=0.8,val=0.2` as numbers that add up to one; a single name stands for everything."""
    parts = [part.partition("=") for part in text.split(",")]
    if "=" not in text and re.search(r"[:/;]", text):
        raise UsageError(f"--split {text}: write names and shares like train=0.8,val=0.1,test=0.1.")
    try:
        ratios = {name.strip(): float(ratio or 1) for name, _, ratio in parts}
    except ValueError:
        raise UsageError(f"--split {text}: write names and shares like train=0.8,val=0.1,test=0.1.") from None
    if len(ratios) != len(parts) or not all(ratio > 0 for ratio in ratios.values()):
        raise UsageError(f"--split {text}: every split needs a name of its own and a share above 0.")
    if abs(sum(ratios.values()) - 1) > 1e-6:  # noqa: PLR2004 - what three rounded decimals may be off
        raise UsageError(
            f"--split {text}: the shares add up to {sum(ratios.values()):g}, and must add up to "
            f"1.{_suggest_ratios(ratios)}"
        )
    return ratios


def _suggest_ratios(ratios: Mapping[str, float]) -> str:
    """What stands for per cents, or for counts; nothing where a share was forgotten."""
    whole = sum(ratios.values())
    if not 1 < whole < inf or min(ratios.values()) < 1:
        return ""
    shares = ",".join(f"{name}={share / whole:.4g}" for name, share in ratios.items())
    return f" Did you mean {shares}?"


def fold_ratios(count: int) -> dict[str, float]:
    return {f"fold{number}": 1 / count for number in range(count)}


def fit_thresholds(ratios: Mapping[str, float], sizes: Mapping[str, int]) -> Thresholds:
    """Thresholds that give each split its share of the subjects; `sizes` counts the subjects of each group."""
    if len(sizes) < len(ratios):
        raise UsageError(
            f"{len(sizes)} groups of subjects cannot fill {len(ratios)} splits ({_join_names(ratios)}), as none "
            "is torn. Ask for fewer splits."
        )
    places = sorted((circle_position(group), count) for group, count in sizes.items())
    held = [0, *accumulate(count for _, count in places)]
    wanted = [share * held[-1] for share in accumulate(ratios.values())]
    cuts = _cuts(held, wanted[:-1])
    return Thresholds(tuple(ratios), tuple(places[cut][0] for cut in cuts))


def _join_names(names: Iterable[str]) -> str:
    first, *rest = names
    return ", ".join((first, *rest)) if len(rest) < _NAMED else f"{first} … {rest[-1]}"


def _cuts(held: Sequence[int], wanted: Sequence[float]) -> list[int]:
    """After how many groups each split ends: nearest to what is wanted, with a group at least for each split."""
    cuts: list[int] = []
    groups, splits = len(held) - 1, len(wanted) + 1
    for number, target in enumerate(wanted, 1):
        under = bisect_right(held, target) - 1
        nearest = under if target - held[under] <= held[min(under + 1, groups)] - target else under + 1
        cuts.append(min(max(nearest, cuts[-1] + 1 if cuts else 1), groups - (splits - number)))
    return cuts


def splits_from_list(subjects: Iterable[str], listed: Mapping[str, str], groups: Mapping[str, str]) -> dict[str, str]:
    """The splits that a file names, where it names all subjects and tears no group."""
    splits: dict[str, str] = {}
    for subject in sorted(subjects):  # so that the same mistake is told in the same words
        if subject not in listed:
            raise UsageError(f"--split-file: it does not name the subject {subject}. Add a line for every subject.")
        splits[subject] = listed[subject]
    first: dict[str, str] = {}
    for subject, split in splits.items():
        group = groups.get(subject, subject)
        other = first.setdefault(group, subject)
        if splits[other] != split:
            raise UsageError(
                f"--split-file: {other} is in {splits[other]} and {subject} in {split}, but both are of the group "
                f"{group}, which must stay together. Put them into one split."
            )
    return splits


ListedNames = Mapping[str, str]

_FOLDS = re.compile(r"folds=(\d{1,4})")


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


def _splitting(options: PackOptions, subjects: list[str], groups: ListedNames, listed: ListedNames | None) -> Splitting:
    if listed is not None:
        return Splitting(None, splits_from_list(subjects, listed, groups))
    return Splitting(fit_thresholds(ratios_of(options.splits), _group_sizes(subjects, groups)), {})


def ratios_of(splits: str) -> dict[str, float]:
    """The share of each split that the options ask for."""
    asked = _FOLDS.fullmatch(splits)
    ratios = fold_ratios(int(asked[1])) if asked else parse_ratios(splits)
    check_split_names(ratios)
    return ratios


def _group_sizes(subjects: list[str], groups: Mapping[str, str]) -> dict[str, int]:
    sizes: dict[str, int] = {}
    for subject in subjects:
        group = groups.get(subject, subject)
        sizes[group] = sizes.get(group, 0) + 1
    return sizes
