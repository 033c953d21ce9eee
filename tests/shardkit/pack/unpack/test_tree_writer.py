"""A batch of files is put into a tree as a whole, beside what is there."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shardkit.errors import Damaged, Locked, Mismatch
from shardkit.pack.unpack.tree_writer import STAGING, StagedBatch, TreeCursor, split_path, staged_batch, staging_area
from tests.packed import files

FILE = (b"folder", b"x.png")


@pytest.fixture
def new(tmp_path: Path) -> Iterator[StagedBatch]:
    (tmp_path / "folder").mkdir()
    with staging_area(tmp_path), staged_batch(tmp_path, "shard") as made:
        yield made


def visible(tree: Path) -> dict[bytes, bytes]:
    return {path: content for path, content in files(tree).items() if not path.startswith(b".")}


def test_a_file_waits_for_the_end_of_its_batch(new: StagedBatch, tmp_path: Path) -> None:
    assert new.add(FILE, [b"content"])
    assert visible(tmp_path) == {}

    new.publish()

    assert visible(tmp_path) == {b"folder/x.png": b"content"}


def test_a_file_that_is_there_does_not_wait(new: StagedBatch, tmp_path: Path) -> None:
    (tmp_path / "folder/x.png").write_bytes(b"content")

    assert not new.add(FILE, [b"content"])


@pytest.mark.parametrize("there", [b"CONTENT", b"content.", b""])
def test_one_with_other_bytes_is_refused(new: StagedBatch, tmp_path: Path, there: bytes) -> None:
    (tmp_path / "folder/x.png").write_bytes(there)

    with pytest.raises(Mismatch, match=r"folder/x\.png: is there with other bytes"):
        new.add(FILE, [b"content"])


def test_a_pipe_is_not_an_empty_file(new: StagedBatch, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "folder/x.png")

    with pytest.raises(Mismatch):
        new.add(FILE, [b""])


def test_a_batch_that_is_not_published_leaves_nothing(tmp_path: Path) -> None:
    with staging_area(tmp_path), staged_batch(tmp_path, "shard") as made:
        made.add((b"x.png",), [b"content"])

    assert files(tmp_path) == {}


def test_the_mode_follows_the_umask(new: StagedBatch, tmp_path: Path) -> None:
    before = os.umask(0o027)
    try:
        new.add(FILE, [b""])
    finally:
        os.umask(before)
    new.publish()

    assert (tmp_path / "folder/x.png").stat().st_mode & 0o777 == 0o640


@pytest.mark.parametrize("make", [lambda path: path.symlink_to(path.parent / "elsewhere"), Path.touch, os.mkfifo])
def test_the_staging_folder_is_a_folder_of_its_own(make: Callable[[Path], object], tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere/precious").touch()
    make(tmp_path / ".shardkit-unpack")

    with pytest.raises(Mismatch, match=r"\.shardkit-unpack: is a link or a file"), staging_area(tmp_path):
        pass

    assert [each.name for each in (tmp_path / "elsewhere").iterdir()] == ["precious"]
    assert os.path.lexists(tmp_path / ".shardkit-unpack")


@pytest.mark.parametrize("make", [lambda path: path.symlink_to(path.parent / "absent"), Path.mkdir, os.mkfifo])
def test_the_lock_is_a_plain_file(make: Callable[[Path], object], tmp_path: Path) -> None:
    make(tmp_path / ".shardkit-unpack.lock")

    with pytest.raises(Mismatch, match=r"\.shardkit-unpack\.lock: is no plain file"), staging_area(tmp_path):
        pass

    assert [each.name for each in tmp_path.iterdir()] == [".shardkit-unpack.lock"]


def test_two_do_not_unpack_into_one_folder(tmp_path: Path) -> None:
    with staging_area(tmp_path), pytest.raises(Locked, match="another process is writing here"), staging_area(tmp_path):
        pass


def test_a_link_in_an_old_staging_folder_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere/precious").touch()
    (tmp_path / ".shardkit-unpack").mkdir()
    (tmp_path / ".shardkit-unpack/shard").symlink_to(tmp_path / "elsewhere")

    with staging_area(tmp_path), staged_batch(tmp_path, "shard") as made:
        made.add((b"x.png",), [b"content"])

    assert [each.name for each in (tmp_path / "elsewhere").iterdir()] == ["precious"]


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
