"""The lists that a user hands in: how they are read, and what is said of lines that name nobody."""

import json
import os
from itertools import chain
from pathlib import Path
from random import Random

import pytest
from blake3 import blake3
from hypothesis import given
from hypothesis import strategies as st

from shardkit.errors import UsageError
from shardkit.pack.plan.split import fit_thresholds
from shardkit.pack.source.file_types import impression_from_path
from shardkit.pack.source.layout import Layout
from shardkit.pack.source.lists import (
    ListFile,
    abbreviate,
    connected_groups,
    read_groups,
    read_json,
    read_list,
    warn_unknown_subjects,
)
from shardkit.pack.source.scan import ScanResult, scan_listed_files
from tests.shardkit.pack.trees import keys, planted, reasons

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


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b'[["a", "b"],\n ["c" "d"]]', "line 2, column 7: this is no JSON .*delimiter"),
        (b"", "line 1, column 1: this is no JSON"),
        (b'["\xff"]', "byte 2: this is no text in UTF-8"),
        (b"[" * 100_000, "cannot be read as JSON"),
        (b"[" + b"1" * 10_000 + b"]", "cannot be read as JSON"),
        (b'{"a": [], "b": [], "a": ["x"]}', "'a' is there twice"),
    ],
)
def test_what_is_no_list(content: bytes, said: str, tmp_path: Path) -> None:
    path = tmp_path / "list.json"
    path.write_bytes(content)
    with pytest.raises(UsageError, match=rf"list\.json.*{said}"):
        read_json(ListFile(path))


def test_a_list_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="No such file"):
        ListFile(tmp_path / "list.json")


def test_a_mark_of_utf_8_is_taken_as_one(tmp_path: Path) -> None:
    path = tmp_path / "list.json"
    path.write_bytes(b'\xef\xbb\xbf["\xc3\xa9"]')
    assert read_json(ListFile(path)) == ["é"]


def test_what_is_long_is_shown_in_part() -> None:
    assert abbreviate("x" * 1000) == f"'{'x' * 39}…"


def read_csv_list(tmp_path: Path, content: bytes) -> dict[str, str]:
    path = tmp_path / "groups.csv"
    path.write_bytes(content)
    return read_list(ListFile(path), "group")


@pytest.mark.parametrize(
    "content",
    [
        b"0001,twins\n0002,twins\n",
        b"subject,group\n0001,twins\n0002,twins",
        b"\xef\xbb\xbf0001,twins\n0002,twins\n",
        b"\xef\xbb\xbfSubject , Group\r\n0001,twins\r\n0002,twins\r\n",
        b" 0001 , twins \n\n0002,\ttwins\n",
        b'"0001", "twins"\n0002,twins\n',
    ],
)
def test_who_is_of_a_group_however_it_is_written(content: bytes, tmp_path: Path) -> None:
    assert read_csv_list(tmp_path, content) == {"0001": "twins", "0002": "twins"}


def test_names_that_are_no_text_are_those_of_keys(tmp_path: Path) -> None:
    assert read_csv_list(tmp_path, b"a\xff,b.c\n") == {"a%FF": "b%2Ec"}


@pytest.mark.parametrize("line", [b" ,twins", b"0001, ", b"0001", b"0001,a,b"])
def test_a_line_that_says_less_or_more(line: bytes, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="line 1: expected `subject,group`"):
        read_csv_list(tmp_path, line)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b'0001,twins\n0002,"twins\n0003,others\n', "line 2: not valid CSV .*quotation mark"),
        (b'0001,twins\n0002,"' + b"x" * 200_000, "line 2: not valid CSV"),
        (b'0001,"a"b\n', "line 1: not valid CSV"),
        (b'"a\nb",twins\n0002\n', "line 3: expected `subject,group`, found '0002'"),
        (b"0001,twins\n\n" + b"x" * 1000, "line 3: expected `subject,group`, found 'x{80}'"),
    ],
)
def test_the_line_of_a_mistake_is_named(content: bytes, said: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=said):
        read_csv_list(tmp_path, content)


def test_a_cell_may_hold_a_line_end(tmp_path: Path) -> None:
    assert read_csv_list(tmp_path, b'"a\nb",twins\r\nc,"x"\r\n') == {"a%0Ab": "twins", "c": "x"}


@pytest.mark.parametrize("in_memory", [1 << 20, 10])
def test_a_list_is_read_once(in_memory: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shardkit.pack.source.lists._IN_MEMORY", in_memory)
    path = tmp_path / "groups.csv"
    path.write_bytes(content := b"0001,twins\n0002,twins\n")
    list_file = ListFile(path)
    path.write_bytes(b"0001,others\n")

    assert (list_file.read(), list_file.digest) == (content, blake3(content).hexdigest())
    assert b"".join(list_file.blocks(5)) == content
    assert read_list(list_file, "group") == {"0001": "twins", "0002": "twins"}


@pytest.fixture
def groups(tmp_path: Path) -> ListFile:
    (tmp_path / "list").touch()
    return ListFile(tmp_path / "list")


def test_a_list_whose_subjects_are_all_there(groups: ListFile) -> None:
    assert warn_unknown_subjects(groups, {"a": "x"}, {"a", "b"}) == ()


def test_lines_that_name_nobody_are_counted(groups: ListFile) -> None:
    (warning,) = warn_unknown_subjects(groups, {"a": "x", "subject_b": "x", "subject_c": "y"}, {"b", "a"})
    assert warning.startswith(f"{groups}: names 2 of 3 in vain: subject_b is not")
    assert "look like a" in warning


def test_a_list_that_names_nobody_else_is_refused(groups: ListFile) -> None:
    with pytest.raises(UsageError, match=r"names none of the subjects: subject_a is not .* look like a"):
        warn_unknown_subjects(groups, {"subject_a": "x"}, {"b", "a"})


def test_a_list_without_lines(groups: ListFile) -> None:
    assert warn_unknown_subjects(groups, {}, {"a"}) == (f"{groups}: it names no subject.",)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return planted(tmp_path / "tree", "x/y/impression_1.png", "x/y/impression_1.mnt", "x/y/2.png", "top.png", "z/2.PNG")


def listed(root: Path, content: object, layout: str | None = None) -> ScanResult:
    path = root.parent / "dataset_infor.json"
    path.write_text(json.dumps(content))
    return scan_listed_files(root, ListFile(path), Layout.parse(layout) if layout else None, 2, lambda _: None)


def test_the_list_names_the_subjects(root: Path) -> None:
    result = listed(root, {"b.c": ["x/y/2.png", str(root / "top.png")], "a": ["x/y/impression_1.png", "./z//2.PNG"]})

    assert keys(result) == ["a/1", "a/2", "b%2Ec/2", "b%2Ec/top"]
    assert {row["source"]: len(row["sidecars"]) for row in result.found.to_pylist()}[b"x/y/impression_1.png"] == 1
    assert (len(result.skipped), result.layout) == (0, None)


def test_nothing_else_is_taken(root: Path) -> None:
    assert keys(listed(root, {"a": ["top.png", "top.png"], "nobody": []})) == ["a/top"]


def test_a_layout_says_the_impression(root: Path) -> None:
    result = listed(root, {"a": ["x/y/2.png", "top.png"]}, "{impression}/{subject}/{_}.png")

    assert keys(result) == ["a/x"]
    assert reasons(result) == {b"top.png": "layout"}


def test_what_is_not_below_the_source(root: Path) -> None:
    planted(root.parent, "other.png")
    outside = str(root.parent / "other.png")

    result = listed(root, {"a": ["top.png", "gone.png", "../other.png", outside]})

    assert reasons(result) == {
        b"gone.png": "gone",
        b"../other.png": "outside",
        os.fsencode(outside): "outside",
    }


def test_names_that_are_no_text(root: Path) -> None:
    planted(root, b"caf\xe9/1.png")
    assert keys(listed(root, {"caf\udce9": ["caf\udce9/1.png"]})) == ["caf%E9/1"]


def test_an_image_of_two_subjects_is_refused(root: Path) -> None:
    with pytest.raises(UsageError, match=r"'x/y/2.png' is listed for (a and for b|b and for a)\. Leave it with"):
        listed(root, {"a": ["x/y/2.png"], "b": ["x//y/2.png"]})


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ([["a", "b"]], "is no list of images by subject"),
        ({"a": "x.png"}, "subject 'a': 'x.png' is no list of paths"),
        ({"a": ["x.png", 5.5]}, "subject 'a': 5.5 is no name"),
        ({"a": [""]}, "subject 'a': '' is no name"),
        ({"": ["x.png"]}, "subject '': '' is no name"),
    ],
)
def test_a_list_that_says_something_else(content: object, said: str, root: Path) -> None:
    with pytest.raises(UsageError, match=rf"dataset_infor\.json.*{said}"):
        listed(root, content)


@pytest.mark.parametrize(
    ("path", "impression"),
    [
        (b"a/impression_04.png", "04"),
        (b"04.png", "04"),
        (b"a.b/c/impression_.PNG", "impression_"),
        (b"a/b.c.png", "b%2Ec"),
        (b"a/impression_x\ny.png", "x%0Ay"),
    ],
)
def test_the_impression_in_a_file_name(path: bytes, impression: str) -> None:
    assert impression_from_path(path) == impression
