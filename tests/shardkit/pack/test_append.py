"""Appending adds files, and moves nobody."""

import errno
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from shutil import copytree
from unittest import mock

import pytest

from shardkit.cli.pack import pack
from shardkit.dataset import Manifest
from shardkit.errors import BadInput, Mismatch, ShardkitError, UsageError
from shardkit.format.lock import locked
from shardkit.format.manifest import manifest_bytes
from shardkit.format.opened import open_dataset
from shardkit.pack.packing import tidied
from shardkit.pack.room import Room
from shardkit.pack.split import Thresholds
from shardkit.pack.workspace import has_plan
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


def listed(path: Path, *lines: str) -> str:
    path.write_text("".join(f"{line}\n" for line in lines))
    return str(path)


@pytest.mark.parametrize(
    ("split", "said"), [("my test", "not valid"), ("shards", "reserved"), ("Train", "differ only in upper and lower")]
)
def test_a_split_that_no_manifest_takes_is_refused_before_anything_is_written(
    split: str, said: str, folder: Path, source: Path, tmp_path: Path
) -> None:
    before = files(folder)

    with pytest.raises(UsageError, match=said):
        run_append(source, folder, "--split-file", listed(tmp_path / "splits.csv", f"s10,{split}"))

    assert files(folder) == before


def test_a_list_of_splits_is_followed_where_shares_made_the_first(folder: Path, source: Path, tmp_path: Path) -> None:
    thresholds = Thresholds.recorded(open_dataset(folder).manifest.splitting["thresholds"])  # type: ignore[arg-type]
    before = everybody(folder)
    other = {"train": "val", "val": "train"}[thresholds.split_of("s10")]
    splits = listed(tmp_path / "splits.csv", f"s10,{other}", f"s00,{before['s00'][0]}", "s11,test")
    groups = listed(tmp_path / "groups.csv", "s10,hand", "s12,hand")

    run_append(source, folder, "--split-file", splits, "--groups", groups)

    after = everybody(folder)
    assert {subject: after[subject] for subject in before} == before
    assert [after[subject][0] for subject in ("s10", "s11", "s12")] == [other, "test", other]
    assert after["s13"][0] == thresholds.split_of("s13")
    assert ran("verify", folder).code == 0
    run_append(grown(source, range(10, 11), 5), folder)  # new impressions follow their subject without the list
    assert everybody(folder) == after


def test_a_list_moves_no_subject(folder: Path, source: Path, tmp_path: Path) -> None:
    other = {"train": "val", "val": "train"}[everybody(folder)["s00"][0]]

    with pytest.raises(UsageError, match=f"s00 is listed for {other}, but is in"):
        run_append(source, folder, "--split-file", listed(tmp_path / "splits.csv", f"s00,{other}"))


@pytest.mark.parametrize(
    ("known", "said"), [("s00", "the group hand is listed for"), ("s12", "both are of the group hand")]
)
def test_a_list_splits_no_group(known: str, said: str, folder: Path, source: Path, tmp_path: Path) -> None:
    home = everybody(folder).get(known, ("train", 0))[0]
    splits = [f"{known},{home}", f"s10,{ ({'train': 'val', 'val': 'train'}[home]) }"]
    groups = listed(tmp_path / "groups.csv", f"{known},hand", "s10,hand")
    lists = ("--split-file", listed(tmp_path / "splits.csv", *splits), "--groups", groups)

    with pytest.raises(UsageError, match=said):
        run_append(source, folder, *lists)


def test_lists_that_name_no_subject_are_refused(folder: Path, source: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="names none of the subjects: 10 is not"):
        run_append(source, folder, "--groups", listed(tmp_path / "groups.csv", "10,hand"))


def test_source_and_dataset_lie_apart(folder: Path, source: Path) -> None:
    copytree(folder, source / "packed")
    for src, dst in ((source, source / "packed"), (folder, folder)):
        with pytest.raises(UsageError, match="lie in one another"):
            run_append(src, dst)
    with pytest.raises(UsageError, match="there is no such folder to pack"):
        run_append(source / "nowhere", folder)


def test_space_is_asked_for_what_the_codec_makes_of_the_images(tmp_path: Path) -> None:
    folder, needed = tmp_path / "packed", list[int]()
    run_pack(grown(tmp_path / "source", range(3), 2), folder, "--codec", "raw")
    source = grown(tmp_path / "more", range(10, 12), 2)
    for path in source.rglob("*.png"):
        path.write_bytes(png("gray1", (200, 200)))  # a bit a pixel, and a byte in the dataset

    with mock.patch.object(Room, "require", lambda room, _: needed.append(room.needed_bytes)):
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
            with watched(nth):
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
    with locked(folder), pytest.raises(Mismatch):
        run_append(source, folder)


def test_what_another_append_did_while_this_one_waited_is_seen(folder: Path, source: Path) -> None:
    def in_between(_: Path, *, restart: bool) -> Manifest:
        if open_dataset(folder).generation.number == 0:
            monkey.undo()
            run_append(source, folder)
        return tidied(folder, restart=restart)

    monkey = pytest.MonkeyPatch()
    monkey.setattr("shardkit.cli.append.locked", lambda _: nullcontext())
    monkey.setattr("shardkit.cli.append.tidied", in_between)

    assert run_append(source, folder) == 0

    assert [each.number for each in open_dataset(folder).manifest.generations] == [0, 1]
    assert keys(open_dataset(folder)) == {f"s{subject:02}/{number}" for subject in range(14) for number in range(3)}


def test_an_append_after_a_killed_removal_finishes_it_first(folder: Path, source: Path) -> None:
    with pytest.raises(KilledError), mock.patch("shardkit.pack.remove.finish", side_effect=KilledError):
        run_remove(folder, "s03")
    assert "s03" in everybody(folder)

    assert run_append(source, folder) == 0

    assert [each.by for each in open_dataset(folder).manifest.generations] == ["remove", "append"]


def stopped(source: Path, folder: Path) -> None:
    with pytest.raises(KilledError), mock.patch("shardkit.cli.append.merge", side_effect=KilledError):
        run_append(source, folder)


def test_a_rerun_from_another_source_is_refused_and_can_be_started_over(
    folder: Path, source: Path, tmp_path: Path
) -> None:
    with pytest.raises(KilledError), mock.patch("shardkit.cli.append.make", side_effect=KilledError):
        run_append(source, folder)
    other = grown(tmp_path / "other", range(40, 44), 2)

    with pytest.raises(Mismatch, match="are not here or have changed"):
        run_append(other, folder)
    assert run_append(other, folder, "--replan") == 0

    assert {"s40", "s43"} <= set(everybody(folder))
    assert "s10" not in everybody(folder)


LISTS = {
    "exclude": "s10/0",
    "files": "s10/0.png",
    "groups": "s10,hand",
    "split-file": "s10,val",
}


@pytest.mark.parametrize(("option", "line"), LISTS.items(), ids=LISTS)
def test_a_rerun_with_another_list_is_refused(
    option: str, line: str, folder: Path, source: Path, tmp_path: Path
) -> None:
    with_list = (f"--{option}", listed(tmp_path / "list", line))
    for first, second in (((), with_list), (with_list, ())):
        with pytest.raises(KilledError), mock.patch("shardkit.cli.append.make", side_effect=KilledError):
            run_append(source, folder, *first, "--replan")
        with pytest.raises(Mismatch, match=f"was begun with --{option} .*--replan"):
            run_append(source, folder, *second)
    assert run_append(source, folder, *with_list) == 0
    assert open_dataset(folder).generation.number == 1


def test_a_rerun_that_may_leave_nothing_out_stops_at_what_was_left_out(folder: Path, source: Path) -> None:
    (source / "s11" / "0.png").write_bytes(b"no PNG")
    stopped(source, folder)

    with pytest.raises(BadInput, match=r"'s11/0\.png'"):
        run_append(source, folder, "--on-error", "fail")

    assert run_append(source, folder) == 3


ODD: dict[str, Callable[[Manifest], Manifest]] = {
    "no options": lambda manifest: replace(manifest, options={}),
    "another option": lambda manifest: replace(manifest, options={**manifest.options, "more": 1}),
    "a size below zero": lambda manifest: replace(manifest, options={**manifest.options, "size": -5}),
    "an enormous size": lambda manifest: replace(manifest, options={**manifest.options, "size": 10**9}),
    "a size in words": lambda manifest: replace(manifest, options={**manifest.options, "size": "big"}),
    "shards of nothing": lambda manifest: replace(manifest, options={**manifest.options, "shard_size": 0}),
    "an unknown fit": lambda manifest: replace(manifest, options={**manifest.options, "fit": "tight"}),
    "an unknown codec asked for": lambda manifest: replace(manifest, options={**manifest.options, "codec": "gif"}),
    "a layout of numbers": lambda manifest: replace(manifest, options={**manifest.options, "layout": [1]}),
    "an unknown codec": lambda manifest: replace(manifest, codec="gif"),
    "no names": lambda manifest: replace(manifest, splitting={"thresholds": {}}),
    "names of numbers": lambda manifest: replace(manifest, splitting={"thresholds": {"names": [1], "below": []}}),
    "thresholds without names": lambda manifest: replace(
        manifest, splitting={"thresholds": {"names": [], "below": []}}
    ),
    "too few thresholds": lambda manifest: replace(
        manifest, splitting={"thresholds": {"names": ["a", "b"], "below": []}}
    ),
    "thresholds that are no numbers": lambda manifest: replace(
        manifest, splitting={"thresholds": {"names": ["a", "b"], "below": ["x" * 16]}}
    ),
    "endless classes": lambda manifest: counted(manifest, classes=2**63 - 1),
    "endless shards": lambda manifest: counted(manifest, shards=2**63 - 1),
}


def counted(manifest: Manifest, **counts: int) -> Manifest:
    splits = {split: replace(totals, **counts) for split, totals in manifest.current.splits.items()}
    return replace(manifest, generations=(replace(manifest.current, splits=splits),))


@pytest.mark.parametrize("change", ODD.values(), ids=ODD)
def test_a_manifest_that_no_pack_writes_ends_in_a_sentence(
    change: Callable[[Manifest], Manifest], folder: Path, source: Path
) -> None:
    manifest = change(open_dataset(folder).manifest)
    (folder / "manifest.json").write_bytes(manifest_bytes(manifest))

    ended = ran("append", source, folder)

    assert ended.code in {2, 4}, ended.error
    assert not [each for each in folder.glob("*00001*") if each.suffix != ".tar"]


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
    with pytest.raises(KilledError), mock.patch("shardkit.pack.merge.clear", side_effect=KilledError):
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
    with pytest.raises(KilledError), mock.patch("shardkit.pack.remove.finish", side_effect=KilledError):
        run_remove(folder, "s03")

    assert run_append(source, folder, "--replan") == 0

    assert [each.by for each in open_dataset(folder).manifest.generations] == ["remove", "append"]
    assert run_verify(folder) == 0


def run_verify(folder: Path) -> int:
    return ran("verify", folder).code
