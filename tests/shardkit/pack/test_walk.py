"""A path from a stranger never leads out of the tree."""

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shardkit.errors import Damaged, Mismatch
from shardkit.pack.unpack.tree_writer import STAGING, TreeCursor, split_path

HOSTILE = (
    b"",
    b".",
    b"/etc/passwd",
    b"../a.png",
    b"a/../../b.png",
    b"a/..",
    b"a//b.png",
    b"a/",
    b"a\0.png",
    b"a/" * 3000 + b"b.png",
    STAGING + b"/x.png",
    b"./" + STAGING + b"/x.png",
)


@pytest.mark.parametrize("source", HOSTILE, ids=lambda source: repr(source[:20]))
def test_a_path_that_could_lead_out_is_refused(source: bytes) -> None:
    with pytest.raises(Damaged, match="is none of a file below a folder, so it is not written"):
        split_path(source)


@given(st.lists(st.binary(min_size=1, max_size=3), min_size=1, max_size=4).map(b"/".join))
def test_what_is_accepted_lies_below(source: bytes) -> None:
    try:
        parts = split_path(source)
    except Damaged:
        return

    path = os.path.normpath(b"/tree/" + b"/".join(parts))
    assert path.startswith(b"/tree/")
    assert path == os.path.normpath(b"/tree/" + source)


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    (tmp_path / "elsewhere").mkdir()
    tree = tmp_path / "tree"
    tree.mkdir()
    return tree


def test_folders_are_made_where_the_path_says(tree: Path) -> None:
    walk = TreeCursor(tree)
    try:
        for parts in ((b"a", b"b", b"x"), (b"a", b"b", b"y"), (b"a", b"x"), (b"x",), (b"caf\xe9", b"x")):
            os.close(os.open(parts[-1], os.O_CREAT, dir_fd=walk.folder_of(parts)))
    finally:
        walk.close()

    names = [os.fsencode(each.relative_to(tree)) for each in tree.rglob("*") if each.is_file()]
    assert sorted(names) == [b"a/b/x", b"a/b/y", b"a/x", b"caf\xe9/x", b"x"]


@pytest.mark.parametrize("link", ["a", "a/b"])
def test_a_link_on_the_way_is_refused(tree: Path, link: str) -> None:
    (tree / link).parent.mkdir(exist_ok=True)
    (tree / link).symlink_to(tree.parent / "elsewhere")
    walk = TreeCursor(tree)

    with pytest.raises(Mismatch, match=f"tree/{link}: is a link or a file, and a folder is needed there"):
        walk.folder_of((b"a", b"b", b"c", b"x"))
    walk.close()

    assert not list((tree.parent / "elsewhere").iterdir())


def test_a_file_on_the_way_is_refused(tree: Path) -> None:
    (tree / "a").touch()
    walk = TreeCursor(tree)

    with pytest.raises(Mismatch, match="tree/a: is a link or a file"):
        walk.folder_of((b"a", b"x"))
    walk.close()
