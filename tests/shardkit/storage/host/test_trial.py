"""What is tried out tells what does not work, and leaves nothing."""

import errno
import os
from pathlib import Path
from unittest import mock

from shardkit.errors import StorageFailing
from shardkit.host.doctor import try_operations


def write(folder: Path) -> None:
    (folder / "file").write_text("tried")


def fail(folder: Path) -> None:
    write(folder)
    raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))


def object_to(_folder: Path) -> None:
    raise StorageFailing("both got it")


def test_each_attempt_has_its_answer_and_nothing_stays(tmp_path: Path) -> None:
    said = try_operations(tmp_path, {"write": write, "fail": fail, "object": object_to})

    assert said == {"write": None, "fail": "[Errno 37] No locks available", "object": "both got it"}
    assert list(tmp_path.iterdir()) == []


def test_where_no_folder_can_be_made_nothing_else_is_tried(tmp_path: Path) -> None:
    full = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    with mock.patch.object(os, "mkdir", side_effect=full):
        assert try_operations(tmp_path, {"write": write}) == {"make a folder": "[Errno 28] No space left on device"}
