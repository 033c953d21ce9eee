"""A removal that was interrupted: whatever command comes next, no other sample is lost, and its proof is printed."""

import errno
import io
import os
import shutil
from collections.abc import Iterator
from contextlib import redirect_stderr
from dataclasses import dataclass
from pathlib import Path
from unittest import mock

import pytest

from shardkit.cli.commands.remove import remove
from shardkit.errors import Damaged
from shardkit.pack.remove import staging
from shardkit.pack.session import recover
from shardkit.reader.dataset import open_dataset
from tests.commands import Ended, ran
from tests.faults.operations import watched
from tests.shardkit.pack.growing import SPLIT, KilledError, everybody, grown, keys, run_append, run_pack
from tests.trees import files

PROOF = "Checked: "
COMMAND = ("--subject", "s01", "--yes")
EVERYBODY = {"s00", "s01", "s02", "s03", "s04"}
STAGED_MANIFEST = ".shardkit/removal/manifest.json"
RECORD = ".shardkit/removal.json"


@dataclass(frozen=True)
class State:
    """The files that a killed removal left, and whether it had printed its proof."""

    files: dict[str, bytes]
    proven: bool

    @property
    def unreported(self) -> bool:
        """Whether the manifest is that of the removal, and its record is there."""
        return RECORD in self.files and b'"by":"remove"' in self.files["manifest.json"]


@dataclass(frozen=True)
class Interrupted:
    source: Path
    before: dict[str, bytes]
    after: dict[str, bytes]
    """As an uninterrupted removal leaves it."""
    states: list[State]

    @property
    def committed(self) -> list[State]:
        """Those of a removal that is decided, and of which nothing was reported."""
        return [each for each in self.states if STAGED_MANIFEST in each.files or (each.unreported and not each.proven)]

    @property
    def decided(self) -> dict[str, bytes]:
        """The files right after the commit, without the lock of the killed process."""
        return {name: each for name, each in self.committed[0].files.items() if name != ".shardkit/lock"}

    @property
    def reported_last(self) -> State:
        """The last before the report: all files are in their places."""
        return [each for each in self.states if not each.proven][-1]


@pytest.fixture(scope="module")
def interrupted(tmp_path_factory: pytest.TempPathFactory) -> Interrupted:
    """What a kill leaves of a removal, for a kill in front of each of its file operations."""
    root = tmp_path_factory.mktemp("interrupted")
    folder = root / "packed"
    run_pack(grown(root / "source", range(3), 1), folder)
    run_append(grown(root / "source", range(5), 1), folder)
    before, states, said = files(folder), list[State](), io.StringIO()

    def look(_operation: str) -> None:
        left = files(folder)
        if not states or left != states[-1].files:
            states.append(State(left, PROOF in said.getvalue()))

    with redirect_stderr(said), watched(look):
        remove.main([str(folder), *COMMAND], standalone_mode=False)
    return Interrupted(root / "source", before, files(folder), states)


def put(folder: Path, content: dict[str, bytes]) -> None:
    """Make the folder hold these files and no others."""
    shutil.rmtree(folder, ignore_errors=True)
    for name, each in content.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(each)


@pytest.fixture(autouse=True)
def _without_fsync() -> Iterator[None]:
    """What is tested here are kills, not power cuts."""
    with mock.patch("os.fsync"):
        yield


def same_again(folder: Path, _: Interrupted | None = None) -> Ended:
    return ran("remove", folder, *COMMAND)


def test_the_same_command_ends_it_alike_and_proves_it(interrupted: Interrupted, tmp_path: Path) -> None:
    folder = tmp_path / "packed"
    for state in interrupted.states:
        put(folder, state.files)

        ended = same_again(folder)

        assert files(folder) == interrupted.after
        assert (ended.code == 0 and PROOF in ended.stderr) or (state.proven and "has no subject" in ended.stderr)


def after_verify(folder: Path, _: Interrupted) -> Ended:
    return ran("verify", folder)


def after_append(folder: Path, interrupted: Interrupted) -> Ended:
    return ran("append", grown(interrupted.source.parent / "more", range(8, 9), 1), folder, "--replan")


def after_repair(folder: Path, _: Interrupted) -> Ended:
    return ran("repair", folder)


def after_pack(folder: Path, interrupted: Interrupted) -> Ended:
    return ran("pack", interrupted.source, folder, "--split", SPLIT, "--shard-size", "2KB")


def after_another(folder: Path, _: Interrupted) -> Ended:
    return ran("remove", folder, "--subject", "s04", "--yes")


OTHERS = (after_verify, after_append, after_repair, after_pack, after_another)


@pytest.mark.parametrize("number", range(len(OTHERS)), ids=[each.__name__ for each in OTHERS])
def test_another_command_comes_first(interrupted: Interrupted, tmp_path: Path, number: int) -> None:
    """Each command meets half of the states of a decided removal, and together they meet all."""
    folder, other = tmp_path / "packed", OTHERS[number]
    gone = {"s01", "s04"} if other is after_another else {"s01"}
    for state in interrupted.committed[number % 2 :: 2]:
        put(folder, state.files)

        ended = other(folder, interrupted)
        again = same_again(folder)

        assert ended.code == 0, ended.stderr
        assert "of 1 subject: s01.\n" in ended.stderr + again.stderr
        assert PROOF in again.stderr or "has no subject 's01'" in again.error
        assert_only_lost(folder, gone)


def assert_only_lost(folder: Path, gone: set[str]) -> None:
    ended = ran("verify", folder)
    assert (ended.code, "no damage" in ended.stderr) == (0, True), ended.stderr
    assert not (folder / ".shardkit").exists()
    assert EVERYBODY - everybody(folder).keys() == gone
    assert {f"{each}/0" for each in EVERYBODY} - keys(open_dataset(folder)) == {f"{each}/0" for each in gone}


def test_a_subject_that_came_back_is_removed_again(interrupted: Interrupted, tmp_path: Path) -> None:
    folder = tmp_path / "packed"
    put(folder, interrupted.reported_last.files)
    assert ran("append", grown(tmp_path / "more", range(1, 2), 1), folder).code == 0
    assert "s01" in everybody(folder)

    ended = same_again(folder)

    assert (ended.code, ended.stderr.count(PROOF)) == (0, 2)
    assert "s01" not in everybody(folder)


def test_only_what_is_left_of_a_command_is_done(interrupted: Interrupted, tmp_path: Path) -> None:
    folder = tmp_path / "packed"
    put(folder, interrupted.reported_last.files)

    ended = ran("remove", folder, "--subject", "s01", "--subject", "s04", "--yes")

    assert (ended.code, ended.stderr.count(PROOF)) == (0, 2)
    assert_only_lost(folder, {"s01", "s04"})


def test_an_append_that_was_interrupted_is_finished_first(interrupted: Interrupted, tmp_path: Path) -> None:
    folder = tmp_path / "packed"
    put(folder, interrupted.reported_last.files)
    with mock.patch("shardkit.cli.commands.append.merge", side_effect=KilledError), pytest.raises(KilledError):
        ran("append", grown(tmp_path / "more", range(8, 9), 1), folder)

    assert "an append was interrupted, so no subject can be removed yet" in same_again(folder).error
    assert ran("append", tmp_path / "more", folder).code == 0
    assert PROOF in same_again(folder).stderr
    assert_only_lost(folder, {"s01"})


def test_a_dry_run_does_not_finish_it(interrupted: Interrupted, tmp_path: Path) -> None:
    for state in interrupted.committed:
        put(tmp_path / "packed", state.files)

        ended = ran("remove", tmp_path / "packed", *COMMAND, "--dry-run")

        assert (ended.code, "an interrupted removal is not finished" in ended.error) == (2, True)
        assert files(tmp_path / "packed") == state.files


def test_a_folder_that_is_a_link_is_not_written_through(interrupted: Interrupted, tmp_path: Path) -> None:
    """Neither the index, nor the staged files, nor the workspace may lie elsewhere."""
    for name in ("index", ".shardkit/removal", ".shardkit/removal/index", ".shardkit"):
        folder, elsewhere = tmp_path / "packed", tmp_path / "elsewhere"
        put(folder, interrupted.decided)
        shutil.rmtree(elsewhere, ignore_errors=True)
        shutil.move(folder / name, elsewhere)
        (elsewhere / "mine.parquet").write_bytes(b"mine")
        (folder / name).symlink_to(elsewhere)
        before = files(folder), files(elsewhere)

        assert_refused(folder, interrupted, "this must be a plain file in a plain folder", code=4)

        assert (files(folder), files(elsewhere)) == before


def test_a_staged_file_that_is_a_link_is_not_moved(interrupted: Interrupted, tmp_path: Path) -> None:
    folder, secret = tmp_path / "packed", tmp_path / "secret"
    put(folder, interrupted.decided)
    staged = next((folder / ".shardkit/removal").glob("*.tar"))
    secret.write_bytes(staged.read_bytes())
    staged.unlink()
    staged.symlink_to(secret)

    assert_refused(folder, interrupted, "not a plain file, so the interrupted removal cannot be finished", code=4)


def test_only_files_that_the_manifest_records_are_moved(interrupted: Interrupted, tmp_path: Path) -> None:
    folder = tmp_path / "packed"
    outside = tmp_path / "outside"
    outside.mkdir()
    put(folder, interrupted.decided)
    (folder / "way").symlink_to(outside)
    for name in ("way/authorized_keys", "index/authorized_keys", "more.tar"):
        path = folder / ".shardkit/removal" / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(b"not recorded")

    assert ran("append", interrupted.source, folder).code == 0

    (folder / "way").unlink()
    assert not any(outside.iterdir())
    assert b"not recorded" not in files(folder).values()


def test_only_files_of_the_manifest_before_are_dropped(interrupted: Interrupted, tmp_path: Path) -> None:
    """Whatever their names are like."""
    folder = tmp_path / "packed"
    put(folder, interrupted.decided)
    mine = ("B3SUMS-000000.tar", "skipped-mine.jsonl", "index/mine.parquet")
    for name in mine:
        (folder / name).write_bytes(b"mine")

    staging.finish_removal(folder)

    assert all((folder / name).exists() for name in mine)
    assert files(folder).keys() - {*mine, RECORD} == interrupted.after.keys()


@pytest.mark.parametrize(
    "name", ["manifest.json", "shards-00002.parquet", "index/train-00002.parquet", "train-000000.tar"]
)
def test_a_damaged_staged_file_moves_nothing(interrupted: Interrupted, tmp_path: Path, name: str) -> None:
    folder = tmp_path / "packed"
    content = interrupted.decided
    staged = f".shardkit/removal/{name}"
    put(folder, {**content, staged: content[staged][:-9] + b"damaged\n"})
    before = files(folder)

    assert_refused(folder, interrupted, "so the interrupted removal cannot be finished", code=4)

    assert files(folder) == before


def test_what_is_advised_ends_a_removal_whose_files_are_damaged(interrupted: Interrupted, tmp_path: Path) -> None:
    """As long as it had dropped none of the files before, whichever of its own had their names already."""
    folder, staged = tmp_path / "packed", STAGED_MANIFEST
    states = [
        each
        for each in interrupted.committed
        if staged in each.files and each.files.keys() >= interrupted.before.keys()
    ]
    assert len(states) > 3
    for state in states:
        put(folder, {**state.files, staged: b"damaged\n"})
        assert "Move the folder .shardkit/removal out of the dataset" in same_again(folder).error

        shutil.rmtree(folder / ".shardkit/removal")
        for line in ran("repair", "--source", interrupted.source, folder).stderr.splitlines():
            if "not belong" in line:
                (folder / line.partition(":")[0]).unlink(missing_ok=True)

        ended = same_again(folder)
        assert PROOF in ended.stderr, ended.stderr
        assert_only_lost(folder, {"s01"})


@pytest.mark.parametrize("name", ["train-000000.tar", "index/train-00002.parquet"])
def test_a_missing_staged_file_moves_nothing(interrupted: Interrupted, tmp_path: Path, name: str) -> None:
    folder = tmp_path / "packed"
    put(folder, interrupted.decided)
    (folder / ".shardkit/removal" / name).unlink()
    (folder / name).unlink(missing_ok=True)
    before = files(folder)

    assert_refused(folder, interrupted, "missing, so the interrupted removal cannot be finished", code=4)

    assert files(folder) == before


def test_a_tar_that_was_neither_staged_nor_moved_is_noticed(interrupted: Interrupted, tmp_path: Path) -> None:
    """The old tar is in its place, with the bytes that are to go."""
    folder = tmp_path / "packed"
    put(folder, interrupted.decided)
    (folder / ".shardkit/removal/train-000000.tar").unlink()
    before = files(folder)

    assert_refused(folder, interrupted, "so the interrupted removal cannot be finished", code=4)

    assert files(folder) == before


def test_a_manifest_that_no_removal_writes_is_refused(interrupted: Interrupted, tmp_path: Path) -> None:
    folder = tmp_path / "packed"
    put(folder, interrupted.decided)
    shutil.copy(folder / "manifest.json", folder / STAGED_MANIFEST)
    assert_refused(folder, interrupted, "not the manifest of a removal", code=4)

    put(folder, {**interrupted.after, STAGED_MANIFEST: interrupted.after["manifest.json"]})
    assert_refused(folder, interrupted, "generation 2 is there already", code=4)


def assert_refused(folder: Path, interrupted: Interrupted, what: str, code: int) -> None:
    for other in (same_again, after_append, after_repair):
        ended = other(folder, interrupted)
        assert (ended.code, what in ended.error) == (code, True), ended.stderr


RECORDS = {
    "other fields": b"{}",
    "other types": b'{"removal":[],"generation":"2","digest":3}',
    "no JSON": b"\xff",
    "deep": b"[" * 100_000,
    "a sparse terabyte": None,
    "a pipe": os.mkfifo,
    "a folder": Path.mkdir,
    "a link": lambda path: path.symlink_to("/etc/passwd"),
}


@pytest.mark.parametrize("odd", RECORDS)
def test_a_record_that_lies_keeps_nobody(interrupted: Interrupted, tmp_path: Path, odd: str) -> None:
    """It only tells what was removed: without it the removal is finished, and nothing is reported."""
    folder, make = tmp_path / "packed", RECORDS[odd]
    for other in (same_again, after_append):
        put(folder, interrupted.decided)
        (folder / RECORD).unlink()
        if callable(make):
            make(folder / RECORD)
        else:
            (folder / RECORD).write_bytes(make or b"")
            os.truncate(folder / RECORD, 1 << 40 if make is None else len(make))

        ended = other(folder, interrupted)

        assert "Traceback" not in ended.stderr
        assert not (folder / ".shardkit").exists()
        assert "s01" not in everybody(folder)


def test_a_damaged_manifest_keeps_the_record(interrupted: Interrupted, tmp_path: Path) -> None:
    """Once the manifest is repaired, the removal is still reported and checked."""
    folder = tmp_path / "packed"
    put(folder, interrupted.reported_last.files)
    manifest = folder / "manifest.json"
    content = manifest.read_bytes()
    manifest.write_bytes(content[:100] + bytes([content[100] ^ 1]) + content[101:])

    with pytest.raises(Damaged):
        recover(folder)

    assert (folder / RECORD).exists()
    assert ran("repair", folder).code == 0
    assert PROOF in same_again(folder).stderr


def test_what_an_earlier_removal_staged_is_not_taken_over(interrupted: Interrupted, tmp_path: Path) -> None:
    folder = tmp_path / "packed"
    put(folder, interrupted.before)
    staged = folder / ".shardkit/removal"
    (staged / "index").mkdir(parents=True)
    (staged / "train-000099.tar").write_bytes(b"stale")
    with mock.patch("shutil.rmtree", side_effect=PermissionError(errno.EACCES, "no")):
        ended = same_again(folder)
    assert (ended.code, "s01" in everybody(folder)) == (2, True)

    assert same_again(folder).code == 0
    assert b"stale" not in files(folder).values()
