"""Images listed by subject: the list says whose they are, and the path need not."""

import json
import os
from pathlib import Path

import pytest

from shardkit.errors import UsageError
from shardkit.pack.source.layout import Layout
from shardkit.pack.source.lists import ListFile
from shardkit.pack.source.names import impression_from_path
from shardkit.pack.source.scan import ScanResult, scan_listed_files
from tests.shardkit.pack.trees import keys, planted, reasons


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
