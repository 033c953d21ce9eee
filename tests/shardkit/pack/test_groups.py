"""Groups that pairs of twins make: who is linked by pairs stays together, and validation sees no twin of training."""

import json
from itertools import chain
from pathlib import Path
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shardkit.errors import UsageError
from shardkit.pack.plan.split import fit_thresholds
from shardkit.pack.source.lists import ListFile, connected_groups, read_groups

Pairs = list[tuple[str, str]]

ids = st.text("abcdef", min_size=1, max_size=2)
pairings = st.lists(st.tuples(ids, ids), max_size=30)


def spread(pairs: Pairs) -> dict[str, str]:
    """The same, slowly: names go from hand to hand until nobody hears of a smaller one."""
    smallest = {each: each for each in chain.from_iterable(pairs)}
    while True:
        before = dict(smallest)
        for one, other in pairs:
            smallest[one] = smallest[other] = min(smallest[one], smallest[other])
        if smallest == before:
            return smallest


@given(pairings)
def test_a_group_is_all_whom_pairs_lead_to(pairs: Pairs) -> None:
    assert connected_groups(pairs) == spread(pairs)


@given(pairings, st.randoms(use_true_random=False))
def test_no_order_of_pairs_matters(pairs: Pairs, chance: Random) -> None:
    mixed = [pair[::-1] if chance.random() < 0.5 else pair for pair in pairs]
    chance.shuffle(mixed)
    assert connected_groups(mixed) == connected_groups(pairs)


def test_a_long_chain_is_one_group() -> None:
    names = [f"{number:05}" for number in range(20_000)]
    assert {*connected_groups(zip(names[1:], names, strict=False)).values()} == {"00000"}


@given(pairings, st.sets(ids, max_size=20), st.lists(st.integers(1, 99), min_size=1, max_size=5))
def test_no_twin_is_apart_from_its_twin(pairs: Pairs, others: set[str], shares: list[int]) -> None:
    """Mistake 11: split at random, the twins of training make validation look better than it is."""
    groups = connected_groups(pairs)
    held = [groups.get(subject, subject) for subject in groups.keys() | others]
    sizes = {group: held.count(group) for group in held}
    ratios = {f"split{number}": share / sum(shares) for number, share in enumerate(shares[: len(sizes)])}
    if not ratios:
        return
    thresholds = fit_thresholds(ratios, sizes)
    split_of = {subject: thresholds.split_of(group) for subject, group in groups.items()}
    assert all(split_of[one] == split_of[other] for one, other in pairs)


def read(tmp_path: Path, content: object, name: str = "twin_pairs_infor.json") -> dict[str, str]:
    path = tmp_path / name
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    return read_groups(ListFile(path))


def test_pairs_are_read(tmp_path: Path) -> None:
    wanted = {"7": "7", "8": "7", "9": "7", "a%2Eb": "a%2Eb"}
    assert read(tmp_path, [["8", "9"], ["7", 8], ["a.b"]]) == wanted
    assert read(tmp_path, [["9", "8", "7"], ["a.b"]], "PAIRS.JSON") == wanted


def test_another_ending_is_a_table(tmp_path: Path) -> None:
    assert read(tmp_path, "8,pair\n", "pairs.csv") == {"8": "pair"}


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ({"a": "b"}, "is no list of pairs"),
        ([["a", "b"], "c"], "pair 2: 'c' is no pair"),
        ([[]], r"pair 1: \[\] is no pair"),
        ([["a", None]], "pair 1: None is no name"),
        ([["a", ""]], "pair 1: '' is no name"),
        ([["a", True]], "pair 1: True is no name"),
        ([["a", "x\0"]], "pair 1: .* is no name"),
        ([["a", "\ud800"]], "pair 1: .* is no text"),
    ],
)
def test_pairs_that_are_none(content: object, said: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=rf"twin_pairs_infor\.json.*{said}"):
        read(tmp_path, content)
