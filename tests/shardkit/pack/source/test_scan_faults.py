"""What a disk can hold against a scan: every input is found or skipped with its reason, and nothing hangs."""

import errno
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from shardkit.errors import StorageFailing, UsageError
from shardkit.pack.source.lists import ListFile
from shardkit.pack.source.scan import scan_listed_files
from tests.shardkit.pack.trees import details, keys, planted, reasons, scanned


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return planted(tmp_path / "tree", "7/1.png", "7/2.png", "7/2.mnt", "8/1.png")


def failing_for(name: bytes, code: int, call: Callable[..., Any]) -> Callable[..., Any]:
    """The system call, refusing one path."""

    def instead(path: Any, *args: Any, **kwargs: Any) -> Any:  # noqa: ANN401 - whatever the call takes and gives
        if isinstance(path, bytes) and path.endswith(name):
            raise OSError(code, os.strerror(code), path)
        return call(path, *args, **kwargs)

    return instead


def test_what_is_no_file(root: Path) -> None:
    os.mkfifo(root / "7/pipe.png")
    planted(root, "7/folder.png/1.png")
    (root / "7/device.png").symlink_to("/dev/null")
    os.mknod(root / "7/socket.png", 0o140644)

    result = scanned(root)

    assert keys(result) == ["7/1", "7/2", "8/1"]
    assert reasons(result) == {
        b"7/pipe.png": "not-a-file",
        b"7/folder.png": "not-a-file",
        b"7/socket.png": "not-a-file",
        b"7/device.png": "outside",
    }
    assert {"it is a pipe, no regular file", "it is a socket, no regular file"} < {*details(result)}


def test_a_sidecar_that_is_no_file(root: Path) -> None:
    os.mkfifo(root / "7/1.mnt")
    os.mkfifo(root / "7/notes")

    result = scanned(root)

    assert keys(result) == ["7/2", "8/1"]
    assert reasons(result) == {b"7/1.png": "not-a-file"}
    assert details(result) == ["its sidecar .mnt: it is a pipe, no regular file"]
    assert result.ignored == {"other": 1}


def test_links_inside_are_followed(root: Path) -> None:
    (root / "9").symlink_to("7")
    (root / "8/2.png").symlink_to("../7/1.png")
    (root / "8/2.mnt").symlink_to(root / "7/2.mnt")

    result = scanned(root)

    assert keys(result) == ["7/1", "7/2", "8/1", "8/2", "9/1", "9/2"]
    assert next(row for row in result.found.to_pylist() if row["source"] == b"8/2.png")["sidecars"][0]["size"] == 7
    assert len(result.skipped) == 0


def test_links_out_of_the_root_are_refused(root: Path) -> None:
    planted(root.with_name("tree-beside"), "1.png", "1.mnt")
    (root / "9").symlink_to("../tree-beside")
    (root / "8/2.png").symlink_to("../../tree-beside/1.png")
    (root / "8/1.json").symlink_to("../../tree-beside/1.mnt")
    (root / "8/notes").symlink_to("/etc/hostname")

    result = scanned(root)

    assert keys(result) == ["7/1", "7/2"]
    assert reasons(result) == {b"9": "outside", b"8/2.png": "outside", b"8/1.png": "outside"}
    assert any("it leads out of the folder. Put copies or hard links there" in each for each in details(result))


def test_a_link_as_the_root(root: Path) -> None:
    link = root.with_name("link")
    link.symlink_to(root)

    assert keys(scanned(link)) == ["7/1", "7/2", "8/1"]


def test_loops_end(root: Path) -> None:
    (root / "7/up").symlink_to("..")
    (root / "7/self").symlink_to(".")
    (root / "7/3.png").symlink_to("3.png")
    (root / "8/to7").symlink_to("../7")
    (root / "7/to8").symlink_to("../8")

    result = scanned(root)

    assert keys(result) == ["7/1", "7/2", "8/1"]
    loops = {source for source, reason in reasons(result).items() if reason == "loop"}
    assert {b"7/up", b"7/self", b"7/3.png", b"8/to7/to8", b"7/to8/to7"} <= loops


def test_a_link_that_leads_nowhere(root: Path) -> None:
    (root / "7/3.png").symlink_to("nowhere.png")
    (root / "7/folder").symlink_to("nowhere")

    result = scanned(root)

    assert reasons(result) == {b"7/3.png": "gone"}
    assert result.ignored == {"other": 1}


@pytest.mark.parametrize(
    ("code", "reason"), [(errno.EACCES, "unreadable"), (errno.ENOENT, "gone"), (errno.ENOTDIR, "gone")]
)
def test_a_folder_that_cannot_be_listed(root: Path, monkeypatch: pytest.MonkeyPatch, code: int, reason: str) -> None:
    monkeypatch.setattr(os, "scandir", failing_for(b"/7", code, os.scandir))

    result = scanned(root)

    assert keys(result) == ["8/1"]
    assert reasons(result) == {b"7": reason}
    assert details(result) == [f"the system says «{os.strerror(code)}»"]


class Breaking:
    """A folder that is refused when its images were there already, and its sidecars not yet."""

    def __init__(self, folder: bytes, whole: Callable[..., Any]) -> None:
        self._entries = whole(folder)

    def __enter__(self) -> Iterator[os.DirEntry[bytes]]:
        return self._broken()

    def __exit__(self, *_: object) -> None:
        self._entries.close()

    def _broken(self) -> Iterator[os.DirEntry[bytes]]:
        yield from (entry for entry in self._entries if entry.name.endswith(b".png"))
        raise PermissionError(errno.EACCES, "refused")


def test_a_folder_that_is_refused_half_way_is_not_taken_by_half(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = os.scandir
    folder = os.fsencode(root / "7")
    monkeypatch.setattr(os, "scandir", lambda path: Breaking(path, whole) if path == folder else whole(path))

    result = scanned(root)

    assert keys(result) == ["8/1"]
    assert reasons(result) == {b"7": "unreadable"}


@pytest.mark.parametrize(("name", "skipped"), [(b"1.png", b"7/1.png"), (b"2.mnt", b"7/2.png")])
def test_a_file_that_goes_before_it_is_measured(
    root: Path, monkeypatch: pytest.MonkeyPatch, name: bytes, skipped: bytes
) -> None:
    (root / "8/1.png").unlink()
    measure = os.lstat

    def late(path: Any, **kwargs: Any) -> os.stat_result:  # noqa: ANN401 - whatever lstat takes
        if isinstance(path, bytes) and path.endswith(b"/" + name):
            Path(os.fsdecode(path)).unlink()
        return measure(path, **kwargs)

    monkeypatch.setattr(os, "lstat", late)
    result = scanned(root)

    assert reasons(result) == {skipped: "gone"}
    assert len(result.found) == 1


def test_a_disk_that_fails_stops_the_scan(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "scandir", failing_for(b"/7", errno.EIO, os.scandir))

    with pytest.raises(StorageFailing, match="tree/7: the disk reports «Input/output error»"):
        scanned(root)


def test_a_root_that_may_not_be_listed(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(path: Path) -> None:
        raise PermissionError(errno.EACCES, "Permission denied", path)

    monkeypatch.setattr(os, "scandir", refuse)

    with pytest.raises(UsageError, match="tree: Permission denied"):
        scanned(root)


def test_a_list_through_a_link_out_of_the_root(root: Path) -> None:
    planted(root.with_name("beside"), "1.png", "2.png")
    (root / "9").symlink_to("../beside")
    (root.parent / "list").write_bytes(b"9/1.png\n9/2.png\n7/1.png")

    result = scan_listed_files(root, ListFile(root.parent / "list"), None, 1, lambda _: None)

    assert keys(result) == ["7/1"]
    assert reasons(result) == {b"9/1.png": "outside", b"9/2.png": "outside"}


def test_the_tree_is_only_read(root: Path) -> None:
    before = {path: path.lstat() for path in (root, *root.rglob("*"))}

    scanned(root)

    assert {path: path.lstat() for path in (root, *root.rglob("*"))} == before
