"""Labels that tars give are kept; others come behind them."""

import pyarrow as pa
import pytest

from shardkit.errors import UsageError
from shardkit.pack.adopt.merge import SubjectCensus, subjects_in_two_splits, with_labels

NONE = -1


def census(**splits: list[tuple[str, int]]) -> SubjectCensus:
    taken = SubjectCensus()
    for split, rows in splits.items():
        subjects, labels = zip(*rows, strict=True)
        taken.add(split, f"{split}-0.tar", pa.table({"subject": subjects, "label": pa.array(labels, pa.int64())}))
    return taken


def labels(taken: SubjectCensus) -> list[tuple[str, str, int, int]]:
    return [(each.split, each.subject, each.label, each.impressions) for each in taken.subjects()]


def test_without_labels_subjects_are_numbered_in_each_split() -> None:
    taken = census(val=[("c", NONE)], train=[("b", NONE), ("a", NONE), ("b", NONE)])

    assert labels(taken) == [("train", "a", 0, 1), ("train", "b", 1, 2), ("val", "c", 0, 1)]


def test_given_labels_stay_and_others_follow() -> None:
    taken = census(train=[("b", 7), ("a", NONE), ("b", NONE), ("c", 0), ("0", NONE)])

    assert labels(taken) == [("train", "0", 8, 1), ("train", "a", 9, 1), ("train", "b", 7, 2), ("train", "c", 0, 1)]


def test_two_labels_for_one_subject_are_a_question_to_the_user() -> None:
    with pytest.raises(UsageError, match=r"train-0.tar: the subject a has the labels 1 and 2.*--key"):
        census(train=[("a", 1), ("a", 2)])


def test_a_subject_in_two_splits_is_noticed() -> None:
    assert subjects_in_two_splits(census(train=[("a", NONE), ("b", NONE)], val=[("b", NONE)]).subjects()) == ["b"]


def test_rows_get_the_labels_of_their_subjects() -> None:
    rows = pa.table({"subject": ["b", "a", "b"], "label": pa.array([NONE] * 3, pa.int64())})

    assert with_labels(rows, "val", {("val", "a"): 4, ("val", "b"): 5})["label"].to_pylist() == [5, 4, 5]
