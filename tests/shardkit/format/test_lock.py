"""A folder is held against a second process, however the first one ends."""

import subprocess
import sys
from pathlib import Path

import pytest

from shardkit.errors import Locked, UsageError
from shardkit.format.lock import locked

HOLDING = """
import sys
from pathlib import Path
from shardkit.format.lock import locked
with locked(Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.read()
"""


def test_a_folder_is_held_until_its_holder_dies(tmp_path: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", HOLDING, tmp_path], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        with pytest.raises(Locked, match=f"{tmp_path}: another process is writing here. Wait"), locked(tmp_path):
            pass
        holder.kill()

    with locked(tmp_path):
        pass


def test_a_folder_is_free_again_after_an_error(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="mine"), locked(tmp_path):
        raise ValueError("mine")

    with locked(tmp_path):
        pass


def test_holding_a_file_is_a_usage_error(path: Path) -> None:
    path.touch()

    with pytest.raises(UsageError, match="Not a directory"), locked(path):
        pass
