"""Shares, folds and lists: what they mean, and how they are refused."""

import pytest

from shardkit.errors import UsageError
from shardkit.pack.plan.split import circle_position, fit_thresholds, fold_ratios, parse_ratios, splits_from_list


@pytest.mark.parametrize(
    ("text", "ratios"),
    [
        ("train", {"train": 1.0}),
        ("train=0.8,val=0.2", {"train": 0.8, "val": 0.2}),
        (" a = 0.333 , b=0.333, c=0.334", {"a": 0.333, "b": 0.333, "c": 0.334}),
        ("a=1e-1,b=9e-1", {"a": 0.1, "b": 0.9}),
    ],
)
def test_shares(text: str, ratios: dict[str, float]) -> None:
    assert parse_ratios(text) == ratios


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a=0.5,b", "add up to 1.5"),
        ("a=0.5", "add up to 0.5"),
        ("a=0.5,a=0.5", "a name of its own"),
        ("a=-0.5,b=1.5", "above 0"),
        ("a=nan", "above 0"),
        ("a=inf", "add up to inf"),
        ("a=half,b=half", "write names and shares"),
        ("0.8/0.1/0.1", "write names and shares"),
        ("a:0.8,b:0.2", "write names and shares"),
        ("a=80,b=20", r"add up to 100, and must add up to 1. Did you mean a=0.8,b=0.2\?"),
        ("a=0.8,b=0.8", "must add up to 1.$"),
    ],
)
def test_shares_that_cannot_be_meant(text: str, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        parse_ratios(text)


def test_folds_are_equal() -> None:
    assert fold_ratios(4) == {"fold0": 0.25, "fold1": 0.25, "fold2": 0.25, "fold3": 0.25}


def test_a_place_is_what_it_was() -> None:
    """Another place would move a subject of a dataset that is appended to."""
    places = [f"{circle_position(group):016x}" for group in ("", "000123", "é")]
    assert places == ["223b2eef08b78d48", "6794af4c2428cd99", "3de11ab9901f6ff7"]


def test_many_splits_are_not_listed() -> None:
    with pytest.raises(UsageError, match=r"cannot fill 99 splits \(fold0 … fold98\)"):
        fit_thresholds(fold_ratios(99), {"a": 1})


def test_more_splits_than_groups() -> None:
    with pytest.raises(UsageError, match="2 groups of subjects cannot fill 3 splits"):
        fit_thresholds({"a": 0.4, "b": 0.3, "c": 0.3}, {"x": 5, "y": 1})


def test_the_smallest_split_gets_somebody() -> None:
    parted = fit_thresholds({"train": 0.998, "val": 0.001, "test": 0.001}, {str(number): 1 for number in range(10)})
    held = [parted.split_of(str(number)) for number in range(10)]
    assert sorted(held) == ["test", *["train"] * 8, "val"]


def test_a_list_names_every_subject() -> None:
    assert splits_from_list(["b", "a"], {"a": "x", "b": "y", "c": "x"}, {}) == {"a": "x", "b": "y"}
    with pytest.raises(UsageError, match="does not name the subject c"):
        splits_from_list(["d", "c", "a"], {"a": "x"}, {})


def test_a_list_tears_no_group() -> None:
    assert splits_from_list("ab", {"a": "x", "b": "x"}, {"a": "g", "b": "g"}) == {"a": "x", "b": "x"}
    with pytest.raises(UsageError, match="a is in x and b in y, but both are of the group g"):
        splits_from_list("ab", {"a": "x", "b": "y"}, {"a": "g", "b": "g"})


def test_a_group_may_have_the_name_of_a_subject() -> None:
    with pytest.raises(UsageError, match="both are of the group a"):
        splits_from_list("ab", {"a": "x", "b": "y"}, {"b": "a"})
