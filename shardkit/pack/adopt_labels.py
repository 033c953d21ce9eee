"""Labels and subjects of an adopted dataset, found out from the rows of all its tars.

A label that a tar gives is kept as it is. Subjects without one are numbered behind the largest that was given, in the
order of their names, so that no label is ever used twice by us.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

import pyarrow as pa

from shardkit.dataset import Subject
from shardkit.errors import UsageError
from shardkit.pack.adopt_part import UNLABELLED

Who = tuple[str, str]
"""Split and subject."""


@dataclass
class _Standing:
    label: int = UNLABELLED
    impressions: int = 0


class Census:
    def __init__(self) -> None:
        self._standing: dict[Who, _Standing] = {}

    def add(self, split: str, tar: str, rows: pa.Table) -> None:
        counted = rows.group_by(["subject", "label"], use_threads=False).aggregate([([], "count_all")])
        for row in counted.to_pylist():
            standing = self._standing.setdefault((split, row["subject"]), _Standing())
            standing.impressions += row["count_all"]
            if UNLABELLED not in (row["label"], standing.label) and row["label"] != standing.label:
                raise _two_labels(row["subject"], standing.label, row["label"], tar)
            standing.label = max(standing.label, row["label"])

    def subjects(self) -> list[Subject]:
        """Everyone, with the label that was given or a new one."""
        following = dict(_following(self._standing))
        subjects = []
        for (split, subject), standing in sorted(self._standing.items(), key=lambda pair: pair[0]):
            label = standing.label
            if label == UNLABELLED:
                label = following[split]
                following[split] += 1
            subjects.append(Subject(subject, subject, split, label, standing.impressions, 0))
        return subjects


def labelled(rows: pa.Table, split: str, labels: Mapping[Who, int]) -> pa.Table:
    """The rows with the labels of their subjects."""
    coded = rows["subject"].combine_chunks().dictionary_encode()
    of_subject = pa.array([labels[split, name] for name in coded.dictionary.to_pylist()], pa.int64())
    place = rows.schema.get_field_index("label")
    return rows.set_column(place, rows.schema.field(place), of_subject.take(coded.indices))


def in_two_splits(subjects: Iterable[Subject]) -> list[str]:
    """Who would be known before validation asks for them."""
    splits: dict[str, str] = {}
    return sorted({each.subject for each in subjects if splits.setdefault(each.subject, each.split) != each.split})


def _following(standing: Mapping[Who, _Standing]) -> Iterator[tuple[str, int]]:
    largest: dict[str, int] = {}
    for (split, _), each in standing.items():
        largest[split] = max(largest.get(split, UNLABELLED), each.label)
    return ((split, label + 1) for split, label in largest.items())


def _two_labels(subject: str, one: int, other: int, tar: str) -> UsageError:
    return UsageError(
        f"{tar}: the subject {subject} has the labels {one} and {other}, but a subject is of one class. If the "
        "folder of a sample is not its subject, say where that stands, as with --key '{subject}_{impression}'; with "
        "--key '{_}/{impression}' the class is the subject."
    )
