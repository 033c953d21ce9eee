"""Lists and manifests that an append takes, and those that it refuses before anything is written."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from shutil import copytree
from unittest import mock

import pytest

from shardkit.errors import Mismatch, UsageError
from shardkit.format.manifest import manifest_bytes
from shardkit.pack.plan.split import Thresholds
from shardkit.reader.dataset import open_dataset
from shardkit.schema import Manifest
from tests.commands import ran
from tests.packed import files
from tests.shardkit.pack.growing import KilledError, everybody, grown, run_append, run_pack


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    run_pack(grown(tmp_path / "source", range(8), 2), tmp_path / "packed")
    return tmp_path / "packed"


@pytest.fixture
def source(tmp_path: Path, folder: Path) -> Path:  # noqa: ARG001 - the source grows after it was packed
    return grown(tmp_path / "source", range(14), 3)


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
    splits = listed(tmp_path / "splits.csv", f"s00,{other}")

    for each in (source, grown(tmp_path / "known", range(2), 1)):  # the second has nothing new
        with pytest.raises(UsageError, match=f"s00 is listed for {other}, but is in"):
            run_append(each, folder, "--split-file", splits)


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
        with (
            pytest.raises(KilledError),
            mock.patch("shardkit.cli.commands.append.make_shards", side_effect=KilledError),
        ):
            run_append(source, folder, *first, "--replan")
        with pytest.raises(Mismatch, match=f"was begun with --{option} .*--replan"):
            run_append(source, folder, *second)
    assert run_append(source, folder, *with_list) == 0
    assert open_dataset(folder).generation.number == 1


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
