"""Nothing outside a dataset's folder is written, moved or removed, whatever lies in it and whatever a name says."""

import os
import socket
from collections.abc import Callable
from pathlib import Path

import pytest

from shardkit.errors import Damaged, UsageError
from shardkit.format.generation import is_dataset_file
from shardkit.storage.folder import DatasetFolder

LEADING_OUT = ["../victim/file", "/etc/passwd", "index/../../victim/file", "./file", "index//file", "a\x00b", ".."]

ACTS: dict[str, Callable[[DatasetFolder, str], object]] = {
    "publish": lambda folder, name: folder.publish_bytes(name, b"theirs"),
    "make_folder": lambda folder, name: folder.make_folder(name),
    "move to": lambda folder, name: folder.move("whole", name),
    "move from": lambda folder, name: folder.move(name, "moved"),
    "remove_file": lambda folder, name: folder.remove_file(name),
    "remove_folder": lambda folder, name: folder.remove_folder(name),
    "remove": lambda folder, name: folder.remove(name),
    "remove_empty_folder": lambda folder, name: folder.remove_empty_folder(name),
    "status": lambda folder, name: folder.status(name),
    "names": lambda folder, name: folder.names(name),
    "read_bytes": lambda folder, name: folder.read_bytes(name, 100),
    "open_lock": lambda folder, name: os.close(folder.open_lock(name)),
    "below": lambda folder, name: folder.below(name).publish_bytes("file", b"theirs"),
}
ON_FOLDERS = {"make_folder", "remove_folder", "remove_empty_folder", "names", "below"}


@pytest.fixture
def victim(tmp_path: Path) -> Path:
    (tmp_path / "victim" / "empty").mkdir(parents=True)
    (tmp_path / "victim" / "file").write_bytes(b"precious")
    return tmp_path / "victim"


@pytest.fixture
def folder(tmp_path: Path) -> DatasetFolder:
    (tmp_path / "dataset").mkdir()
    (tmp_path / "dataset" / "whole").write_bytes(b"whole")
    return DatasetFolder(tmp_path / "dataset")


def content(folder: Path) -> dict[str, bytes | None]:
    paths = sorted(folder.rglob("*"))
    return {str(path.relative_to(folder)): None if path.is_dir() else path.read_bytes() for path in paths}


@pytest.mark.parametrize("name", LEADING_OUT)
@pytest.mark.parametrize("act", ACTS.values(), ids=ACTS.keys())
def test_a_name_that_leads_out_is_refused(
    act: Callable[[DatasetFolder, str], object], name: str, folder: DatasetFolder, victim: Path
) -> None:
    before = content(victim)

    with pytest.raises(Damaged, match="is not valid: it could lead out"):
        act(folder, name)

    assert content(victim) == before
    assert (folder.path / "whole").exists()


@pytest.mark.parametrize("name", ACTS)
def test_a_folder_that_is_a_link_is_refused(name: str, folder: DatasetFolder, victim: Path) -> None:
    (folder.path / "index").symlink_to(victim)
    before = content(victim)

    with pytest.raises(Damaged, match="index"):
        ACTS[name](folder, "index/empty" if name in ON_FOLDERS else "index/file")

    assert content(victim) == before
    assert (folder.path / "index").is_symlink()


@pytest.mark.parametrize("link", ["folder", "file"])
def test_a_link_itself_is_replaced_moved_and_removed(link: str, folder: DatasetFolder, victim: Path) -> None:
    target = victim if link == "folder" else victim / "file"
    for name in ("replaced", "gone", "removed"):
        (folder.path / name).symlink_to(target)
    before = content(victim)

    folder.publish_bytes("replaced", b"new")
    folder.remove("gone")
    folder.remove_file("removed")

    assert content(victim) == before
    assert content(folder.path) == {"replaced": b"new", "whole": b"whole"}


def test_a_folder_with_links_in_it_is_removed_and_what_they_lead_to_stays(folder: DatasetFolder, victim: Path) -> None:
    folder.make_folder(".shardkit/removal")
    (folder.path / ".shardkit/removal/outside").symlink_to(victim)
    (folder.path / ".shardkit/removal/file").symlink_to(victim / "file")
    os.mkfifo(folder.path / ".shardkit/removal/pipe")
    before = content(victim)

    assert folder.remove_folder(".shardkit")

    assert content(victim) == before
    assert folder.names() == ["whole"]


def test_a_folder_that_cannot_be_removed_is_an_error(folder: DatasetFolder) -> None:
    with pytest.raises(Damaged):
        folder.remove_folder("whole")
    assert folder.exists("whole")


@pytest.mark.parametrize("odd", ["pipe", "socket", "folder", "link"])
def test_only_a_plain_file_is_read_or_locked(odd: str, folder: DatasetFolder, victim: Path) -> None:
    path = folder.path / "odd"
    if odd == "pipe":
        os.mkfifo(path)
    elif odd == "socket":
        with socket.socket(socket.AF_UNIX) as bound:
            bound.bind(str(path))
    elif odd == "folder":
        path.mkdir()
    else:
        path.symlink_to(victim / "file")
    with pytest.raises((Damaged, UsageError)):
        folder.read_bytes("odd", 100)
    with pytest.raises((Damaged, UsageError)):
        folder.open_lock("odd")
    assert not folder.has_file("odd")
    assert folder.exists("odd")


def test_a_file_is_read_up_to_its_limit(folder: DatasetFolder) -> None:
    assert folder.read_bytes("whole", 5) == b"whole"
    with pytest.raises(Damaged, match="more than 4 bytes"):
        folder.read_bytes("whole", 4)


def test_a_sparse_terabyte_is_not_read(folder: DatasetFolder) -> None:
    with (folder.path / "sparse").open("wb") as file:
        file.truncate(1 << 40)
    with pytest.raises(Damaged, match="more than 1,000 bytes"):
        folder.read_bytes("sparse", 1000)


def test_what_is_missing_is_none_false_or_empty(folder: DatasetFolder) -> None:
    assert folder.status("no/such") is None
    assert not folder.remove_file("no/such")
    assert not folder.remove_folder("no")
    assert folder.names("no") == []
    folder.remove("no")
    folder.remove_empty_folder("no")


def test_a_folder_below_follows_no_link_on_the_way(folder: DatasetFolder, victim: Path) -> None:
    below = folder.below(".shardkit/removal")
    below.publish_bytes("index/table", b"rows")
    assert (folder.path / ".shardkit/removal/index/table").read_bytes() == b"rows"
    assert below.names() == ["index"]

    folder.remove_folder(".shardkit")
    (folder.path / ".shardkit").symlink_to(victim)
    with pytest.raises(Damaged):
        below.publish_bytes("file", b"theirs")
    assert (victim / "file").read_bytes() == b"precious"


def test_two_publications_of_one_name_never_share_a_temporary_file(folder: DatasetFolder) -> None:
    """The one that ends last wins, and neither is ever seen half written."""
    with folder.publish("shard") as first:
        first.write(b"first half, ")
        with folder.publish("shard") as second:
            second.write(b"second")
        assert (folder.path / "shard").read_bytes() == b"second"
        first.write(b"second half")
    assert (folder.path / "shard").read_bytes() == b"first half, second half"
    assert folder.names() == ["shard", "whole"]


def test_temporary_files_of_killed_processes_are_removed_and_no_others(folder: DatasetFolder) -> None:
    staying = [".a.zip.0123abcd.part", ".hidden", ".train-000000.tar.part", "shard.part", "whole"]
    for name in (".train-000000.tar.0123abcd.part", ".manifest.json.0123abcd.part", *staying):
        (folder.path / name).touch()
    folder.publish_bytes("index/.train-00000.parquet.0123abcd.part", b"")
    folder.publish_bytes("index/.mine.0123abcd.part", b"")
    folder.remove_temporary_files(is_dataset_file, "", "index", "no such folder")
    assert folder.names() == [*staying[:3], "index", *staying[3:]]
    assert folder.names("index") == [".mine.0123abcd.part"]


def test_a_name_as_long_as_a_file_system_takes_is_published(folder: DatasetFolder) -> None:
    name = "ä" * 127 + "x"
    folder.publish_bytes(name, b"long")
    assert folder.has_file(name)
