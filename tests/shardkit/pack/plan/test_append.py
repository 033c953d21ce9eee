"""Appending adds files, and moves nobody."""

import errno
from contextlib import nullcontext
from pathlib import Path
from shutil import copytree
from unittest import mock

import pytest

from shardkit.cli.commands.pack import pack
from shardkit.errors import BadInput, Mismatch, ShardkitError, UsageError
from shardkit.pack.estimate import SpaceEstimate
from shardkit.pack.session import recover
from shardkit.pack.workspace import has_plan
from shardkit.reader.dataset import open_dataset
from shardkit.schema import Manifest
from shardkit.storage.lock import lock_folder
from tests.commands import ran
from tests.faults.operations import Nth, failing, watched
from tests.packed import files
from tests.pictures import png
from tests.shardkit.pack.growing import (
    KilledError,
    everybody,
    grown,
    keys,
    run_append,
    run_pack,
    run_remove,
    without_workplace,
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    run_pack(grown(tmp_path / "source", range(8), 2), tmp_path / "packed")
    return tmp_path / "packed"


@pytest.fixture
def source(tmp_path: Path, folder: Path) -> Path:  # noqa: ARG001 - the source grows after it was packed
    return grown(tmp_path / "source", range(14), 3)


def test_only_files_are_added(folder: Path, source: Path) -> None:
    before = files(folder)

    assert run_append(source, folder) == 0

    after = files(folder)
    del before[b"manifest.json"]
    assert {name: after[name] for name in before} == before


def test_everybody_keeps_split_and_label(folder: Path, source: Path) -> None:
    before = everybody(folder)

    run_append(source, folder)

    after = everybody(folder)
    assert {subject: after[subject] for subject in before} == before
    assert len(after) == 14


def test_labels_stay_contiguous_in_a_split(folder: Path, source: Path) -> None:
    run_append(source, folder)

    for split, totals in open_dataset(folder).splits.items():
        labels = sorted(label for where, label in everybody(folder).values() if where == split)
        assert labels == list(range(totals.classes))


def test_the_whole_source_is_in_the_dataset_then(folder: Path, source: Path) -> None:
    run_append(source, folder)

    assert keys(open_dataset(folder)) == {
        f"s{subject:02}/{impression}" for subject in range(14) for impression in range(3)
    }


def test_each_generation_stays_openable(folder: Path, source: Path) -> None:
    before = open_dataset(folder)
    known = keys(before)

    run_append(source, folder)

    again = open_dataset(folder, generation=0)
    assert (again.digest, keys(again), again.splits) == (before.digest, known, before.splits)
    assert open_dataset(folder).digest != before.digest
    with pytest.raises(UsageError, match="no generation 2"):
        open_dataset(folder, generation=2)


def test_an_appended_dataset_splits_as_one_that_was_packed_at_once_by_the_same_thresholds(
    folder: Path, source: Path, tmp_path: Path
) -> None:
    run_append(source, folder)
    run_append(grown(tmp_path / "source", range(20), 3), folder)

    assert open_dataset(folder).generation.number == 2
    assert len(everybody(folder)) == 20


def test_nothing_new_is_said_and_changes_nothing(folder: Path, tmp_path: Path) -> None:
    before = files(folder)

    assert run_append(tmp_path / "source", folder) == 0

    assert files(folder) == before


def test_a_newcomer_follows_its_group(folder: Path, source: Path, tmp_path: Path) -> None:
    for known in ("s00", "s01", "s02", "s03"):
        assert known in everybody(folder)
    home = {split: subject for subject, (split, _) in everybody(folder).items()}
    groups = tmp_path / "groups.csv"
    groups.write_text(f"{home['train']},one\ns10,one\n{home['val']},two\ns11,two\n")

    run_append(source, folder, "--groups", str(groups))

    assert (everybody(folder)["s10"][0], everybody(folder)["s11"][0]) == ("train", "val")


def test_a_group_that_is_torn_already_is_named(folder: Path, source: Path, tmp_path: Path) -> None:
    home = {split: subject for subject, (split, _) in everybody(folder).items()}
    groups = tmp_path / "groups.csv"
    groups.write_text(f"{home['train']},one\n{home['val']},one\ns10,one\n")

    with pytest.raises(UsageError, match="group one has members in train and val"):
        run_append(source, folder, "--groups", str(groups))


def test_newcomers_of_a_listed_split_need_a_list(tmp_path: Path) -> None:
    listed = tmp_path / "splits.csv"
    listed.write_text("s00,train\ns01,val\n")
    source, folder = grown(tmp_path / "source", range(2), 2), tmp_path / "packed"
    pack.main([str(source), str(folder), "--split-file", str(listed)], standalone_mode=False)
    grown(source, range(3), 2)

    with pytest.raises(UsageError, match="s02 is new"):
        run_append(source, folder)
    listed.write_text("s02,val\n")
    run_append(source, folder, "--split-file", str(listed))

    assert everybody(folder)["s02"] == ("val", 1)


def test_space_is_asked_for_what_the_codec_makes_of_the_images(tmp_path: Path) -> None:
    folder, needed = tmp_path / "packed", list[int]()
    run_pack(grown(tmp_path / "source", range(3), 2), folder, "--codec", "raw")
    source = grown(tmp_path / "more", range(10, 12), 2)
    for path in source.rglob("*.png"):
        path.write_bytes(png("gray1", (200, 200)))  # a bit a pixel, and a byte in the dataset

    with mock.patch.object(SpaceEstimate, "require", lambda room, _: needed.append(room.needed_bytes)):
        run_append(source, folder)

    assert needed[0] > 4 * 200 * 200


def test_killed_at_any_operation_the_old_generation_stands_and_the_same_command_ends_alike(
    tmp_path: Path, folder: Path
) -> None:
    """Failing is to killing what a clean-up is to none: both must leave the old generation, and the way on."""
    source = grown(tmp_path / "few", range(8, 10), 1)
    before, digest = without_workplace(folder), open_dataset(folder).digest
    undisturbed = tmp_path / "undisturbed"
    undisturbed.mkdir()
    for name, content in before.items():
        path = undisturbed / name.decode()
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(content)
    run_append(source, undisturbed)

    for number in range(1, 400):
        nth = Nth(number, failing(errno.EIO), on=True)
        try:
            with watched(nth, folders=False):
                run_append(source, folder)
        except (ShardkitError, OSError):
            pass
        if nth.untouched:
            break
        if open_dataset(folder).generation.number == 0:
            assert open_dataset(folder, generation=0).digest == digest
            assert {name: without_workplace(folder)[name] for name in before} == before
        run_append(source, folder)
        assert files(folder) == files(undisturbed), f"operation {number}"
        for name in files(folder).keys() - before.keys():
            (folder / name.decode()).unlink()
        for name, content in before.items():
            (folder / name.decode()).write_bytes(content)
    else:
        pytest.fail("no run went through untouched")


def test_two_writers_never_meet(folder: Path, source: Path) -> None:
    with lock_folder(folder), pytest.raises(Mismatch):
        run_append(source, folder)


def test_what_another_append_did_while_this_one_waited_is_seen(folder: Path, source: Path) -> None:
    def in_between(_: Path, *, restart: bool) -> Manifest:
        if open_dataset(folder).generation.number == 0:
            monkey.undo()
            run_append(source, folder)
        return recover(folder, restart=restart)

    monkey = pytest.MonkeyPatch()
    monkey.setattr("shardkit.cli.commands.append.lock_folder", lambda _: nullcontext())
    monkey.setattr("shardkit.cli.commands.append.recover", in_between)

    assert run_append(source, folder) == 0

    assert [each.number for each in open_dataset(folder).manifest.generations] == [0, 1]
    assert keys(open_dataset(folder)) == {f"s{subject:02}/{number}" for subject in range(14) for number in range(3)}


def test_an_append_after_a_killed_removal_finishes_it_first(folder: Path, source: Path) -> None:
    with pytest.raises(KilledError), mock.patch("shardkit.pack.remove.rewrite.finish_removal", side_effect=KilledError):
        run_remove(folder, "s03")
    assert "s03" in everybody(folder)

    assert run_append(source, folder) == 0

    assert [each.by for each in open_dataset(folder).manifest.generations] == ["remove", "append"]


def stopped(source: Path, folder: Path) -> None:
    with pytest.raises(KilledError), mock.patch("shardkit.cli.commands.append.merge", side_effect=KilledError):
        run_append(source, folder)


def test_a_rerun_from_another_source_is_refused_and_can_be_started_over(
    folder: Path, source: Path, tmp_path: Path
) -> None:
    with pytest.raises(KilledError), mock.patch("shardkit.cli.commands.append.make_shards", side_effect=KilledError):
        run_append(source, folder)
    other = grown(tmp_path / "other", range(40, 44), 2)

    with pytest.raises(Mismatch, match="are not here or have changed"):
        run_append(other, folder)
    assert run_append(other, folder, "--replan") == 0

    assert {"s40", "s43"} <= set(everybody(folder))
    assert "s10" not in everybody(folder)


def test_a_rerun_that_may_leave_nothing_out_stops_at_what_was_left_out(folder: Path, source: Path) -> None:
    (source / "s11" / "0.png").write_bytes(b"no PNG")
    stopped(source, folder)

    with pytest.raises(BadInput, match=r"'s11/0\.png'"):
        run_append(source, folder, "--on-error", "fail")

    assert run_append(source, folder) == 3


def test_starting_over_leaves_no_file_of_the_plan_before(folder: Path, source: Path, tmp_path: Path) -> None:
    stopped(source, folder)
    again = tmp_path / "again"
    copytree(folder, again)

    for each in (folder, again):
        run_append(grown(tmp_path / "other", range(40, 42), 1), each, "--replan")

    assert files(folder) == files(again)
    assert {shard.name for shard in open_dataset(folder).shards} == {path.name for path in folder.glob("*.tar")}


def test_what_cannot_be_packed_makes_no_generation(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "source" / "s00" / "9.png").write_bytes(b"no PNG")
    before = files(folder)

    assert run_append(tmp_path / "source", folder) == 0

    assert files(folder) == before


def test_known_images_that_have_changed_are_counted(
    folder: Path, source: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    (source / "s00" / "0.png").write_bytes(png("gray8", (20, 30), seed=999))
    (source / "s01" / "1.json").write_bytes(b"{}")

    run_append(source, folder)

    assert "Warning: 2 of 16 images have the key of one in" in capfd.readouterr().err


def test_others_under_known_names_are_not_taken_for_known_in_silence(
    folder: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """Another month's folder that counts its subjects from 0 again."""
    others = tmp_path / "march"
    for subject in ("s00", "s01"):
        (others / subject).mkdir(parents=True)
        (others / subject / "0.png").write_bytes(png("gray8", (20, 30), seed=999))

    run_append(others, folder)

    said = capfd.readouterr().err
    assert "all 2 images are in" in said
    assert f"Warning: 2 of 2 images have the key of one in {folder} and another size" in said


def killed_before_clearing(source: Path, folder: Path) -> None:
    """Append, and stop between the manifest, which commits it, and the removal of its plan."""
    with pytest.raises(KilledError), mock.patch("shardkit.pack.merge.remove_workspace", side_effect=KilledError):
        run_append(source, folder)
    assert has_plan(folder)


def test_starting_over_never_removes_a_shard_that_is_committed(folder: Path, source: Path) -> None:
    killed_before_clearing(source, folder)
    committed = without_workplace(folder)

    assert run_append(source, folder, "--replan") == 0

    assert without_workplace(folder) == committed
    assert run_verify(folder) == 0


def test_merge_completes_what_an_append_had_committed(folder: Path, source: Path) -> None:
    killed_before_clearing(source, folder)

    assert ran("merge", folder).code == 0

    assert not has_plan(folder)
    assert run_verify(folder) == 0


def test_starting_over_completes_a_committed_removal_first(folder: Path, source: Path) -> None:
    with pytest.raises(KilledError), mock.patch("shardkit.pack.remove.rewrite.finish_removal", side_effect=KilledError):
        run_remove(folder, "s03")

    assert run_append(source, folder, "--replan") == 0

    assert [each.by for each in open_dataset(folder).manifest.generations] == ["remove", "append"]
    assert run_verify(folder) == 0


def run_verify(folder: Path) -> int:
    return ran("verify", folder).code
