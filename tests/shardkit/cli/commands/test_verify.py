"""`shardkit verify` as a user starts it."""

import json
import shlex
from pathlib import Path

import click
import pytest

from shardkit.cli.commands.verify import verify
from shardkit.errors import UsageError
from tests.shardkit.verify.small import flipped, packed, run, tree


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return packed(tree(tmp_path / "source", 3), tmp_path / "packed")


def test_a_sound_dataset_ends_with_0(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(verify, folder) == 0
    assert ": no damage. Checked every byte: 9 samples, " in capsys.readouterr().err

    assert run(verify, folder, "--quick") == 0
    assert ": no damage. Checked the manifest and the sizes of files: 9 samples, " in capsys.readouterr().err


@pytest.mark.parametrize("level", [(), ("--quick",), ("--decode", "--workers", "1")])
def test_damage_ends_with_4_and_the_command_that_mends_it(
    folder: Path, level: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "train-000000.tar").write_bytes(b"")

    assert run(verify, folder, *level) == 4
    err = capsys.readouterr().err
    assert "train-000000.tar at byte 0" in err
    assert f"shardkit repair {folder} --source SRC" in err


def test_the_command_that_mends_can_be_copied_into_a_shell(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    moved = folder.rename(folder.with_name("it's; here"))
    (moved / "train-000000.tar").write_bytes(b"")

    assert run(verify, moved, "--quick") == 4
    line = capsys.readouterr().err.splitlines()[-1]
    assert shlex.split(line.removeprefix("Repair it: ")) == ["shardkit", "repair", str(moved), "--source", "SRC"]


def test_json_is_a_line_a_finding_and_a_summary(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = folder / "train-000000.tar"
    path.write_bytes(flipped(path.read_bytes(), 7))
    capsys.readouterr()

    assert run(verify, folder, "--json") == 4
    first, last = map(json.loads, capsys.readouterr().out.splitlines())
    assert first["finding"] | {"kind": "header", "file": path.name, "offset": 7} == first["finding"]
    assert (last["findings"], last["level"], last["samples"]) == (1, "bytes", 9)


def test_many_findings_are_cut_short(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for number in range(130):
        (folder / f"{number:03}").touch()

    assert run(verify, folder, "--quick") == 4
    assert "30 findings more" in capsys.readouterr().err


def test_two_levels_at_once_are_refused(folder: Path) -> None:
    with pytest.raises(click.UsageError, match="choose one"):
        run(verify, folder, "--quick", "--decode")


def test_what_is_no_dataset_is_the_users_mistake(tmp_path: Path) -> None:
    with pytest.raises(UsageError):
        run(verify, tmp_path)
