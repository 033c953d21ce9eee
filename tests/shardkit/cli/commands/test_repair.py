"""`shardkit repair` as a user starts it."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from shardkit.cli.commands.merge import merge
from shardkit.cli.commands.repair import repair
from shardkit.cli.commands.verify import verify
from shardkit.errors import Locked, UsageError
from shardkit.storage.lock import lock_folder
from tests.shardkit.verify.small import files, flipped, packed, run, tree


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return packed(tree(tmp_path / "source", 3), tmp_path / "packed")


def test_what_can_be_mended_ends_with_0(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    sound = files(folder)
    (folder / "train-000000.tar").unlink()

    assert run(repair, folder, "--source", folder.parent / "source") == 0
    assert files(folder) == sound
    assert "from their sources, byte for byte" in capsys.readouterr().err


def test_what_cannot_be_mended_ends_with_4_and_says_why(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = folder / "train-000000.tar"
    path.write_bytes(flipped(path.read_bytes(), 600))
    capsys.readouterr()

    assert run(repair, folder, "--json") == 4
    out, err = capsys.readouterr()
    first, finding, last = map(json.loads, out.splitlines())
    assert first["mended"] == []
    assert "without --source" in first["left"][0]
    assert finding["finding"]["kind"] == "payload"
    assert (last["findings"], last["notes"] != []) == (1, True)
    assert "quarantine" in err
    assert run(verify, folder) == 4


def test_a_source_that_is_not_there_is_a_mistake_even_if_nothing_is_damaged(folder: Path) -> None:
    with pytest.raises(UsageError, match="nosuch: there is no such folder"):
        run(repair, folder, "--source", folder / "nosuch")


@pytest.mark.parametrize("make", [lambda _path: None, Path.touch], ids=["missing", "a file"])
def test_a_folder_that_is_not_there_is_told_alike_by_every_command(
    tmp_path: Path, make: Callable[[Path], object]
) -> None:
    path = tmp_path / "nosuch"
    make(path)
    said = set()
    for command in (repair, verify, merge):
        with pytest.raises(UsageError) as refused:
            run(command, path)
        said.add(str(refused.value))

    (sentence,) = said
    assert sentence.endswith(" Name the folder of a dataset.")


def test_an_index_behind_a_link_is_not_written_to(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    elsewhere = (folder / "index").rename(folder.parent / "elsewhere")
    (folder / "index").symlink_to(elsewhere)
    (elsewhere / "train-00000.parquet").unlink()

    assert run(repair, folder, "--source", folder.parent / "source") == 4
    assert not (elsewhere / "train-00000.parquet").exists()
    assert "this must be a plain file in a plain folder" in capsys.readouterr().err


def test_a_folder_that_another_process_holds_is_left_alone(folder: Path) -> None:
    with lock_folder(folder), pytest.raises(Locked):
        run(repair, folder)
