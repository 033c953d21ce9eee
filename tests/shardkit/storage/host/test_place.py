"""A path is told apart at a glance, and one that does not exist yet means the folder that it goes into."""

import os
from pathlib import Path
from unittest import mock

import pytest

from shardkit.errors import UsageError
from shardkit.host.doctor import locate
from shardkit.host.facts import Contents, Location


@pytest.mark.parametrize(
    ("files", "contents"),
    [
        ([], Contents.EMPTY),
        (["notes.txt"], Contents.OTHER),
        (["folder/"], Contents.OTHER),
        (["manifest.json", "train-000000.tar"], Contents.DATASET),
        ([".shardkit/plan.parquet"], Contents.UNFINISHED),
        (["batch_00000/subject_000000/impression_00.png"], Contents.SOURCE_TREE),
        (["000000/00.PNG"], Contents.SOURCE_TREE),
        (["recipe.json", "images.bin", "labels.bin"], Contents.SOURCE_TREE),
    ],
)
def test_a_folder_is_what_lies_in_it(tmp_path: Path, files: list[str], contents: Contents) -> None:
    for name in files:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).mkdir() if name.endswith("/") else (tmp_path / name).touch()

    assert locate(tmp_path) == Location(str(tmp_path), str(tmp_path), contents, writable=True)


def test_a_file_is_a_file(tmp_path: Path) -> None:
    (tmp_path / "images.bin").touch()

    assert locate(tmp_path / "images.bin").contents is Contents.FILE


def test_a_folder_that_does_not_exist_yet_means_the_one_above(tmp_path: Path) -> None:
    assert locate(tmp_path / "new") == Location(str(tmp_path / "new"), str(tmp_path), Contents.EMPTY, writable=True)


def test_a_relative_path_means_the_folder_one_is_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)

    assert locate(Path("new")).checked == str(tmp_path)


def test_nothing_and_nothing_above_is_a_mistake(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"neither this nor .*/far exists\. Name the folder"):
        locate(tmp_path / "far/new")


def test_below_a_file_nothing_can_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    with pytest.raises(UsageError, match="file is a file"):
        locate(tmp_path / "file/new")


def test_a_glance_does_not_grow_with_the_tree(tmp_path: Path) -> None:
    for subject in range(300):
        (tmp_path / f"{subject:03}/deep").mkdir(parents=True)

    with mock.patch.object(os, "scandir", wraps=os.scandir) as looks:
        assert locate(tmp_path).contents is Contents.OTHER
    assert looks.call_count < 10
