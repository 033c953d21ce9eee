"""`shardkit pack`: what its options do, and what it says when they cannot be meant."""

import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from unittest import mock

import numpy as np
import pytest

from shardkit.errors import Mismatch
from shardkit.image.codec import decode
from shardkit.image.png.decode import decode_png
from shardkit.image.png.structure import inspect
from shardkit.pack.estimate import SpaceEstimate
from shardkit.pack.options import PackOptions
from shardkit.pack.plan.planner import PackRequest, draft_plan
from shardkit.pack.session import check_same_source
from shardkit.pack.source.lists import ListFile
from shardkit.pack.write.preparation import Preparation, apply_preparation
from shardkit.reader.dataset import Dataset, open_dataset
from tests import trees
from tests.commands import packed, ran
from tests.pictures import png


@pytest.fixture
def source(tmp_path: Path) -> Path:
    return trees.grown(tmp_path, subjects=10, impressions=3, sidecars=True)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "packed"


def opened(source: Path, folder: Path, *options: object) -> Dataset:
    return open_dataset(packed(source, folder, *options))


def splits(dataset: Dataset) -> dict[str, str]:
    return {subject.subject: subject.split for subject in dataset.subjects}


def listed(path: Path, *lines: str) -> Path:
    path.write_text("".join(f"{line}\n" for line in lines))
    return path


def test_every_image_and_sidecar_is_packed_and_counted(source: Path, folder: Path) -> None:
    ended = ran("pack", source, folder, "--json")
    assert ended.code == 0
    assert trees.members(folder) == trees.files(source)
    assert ended.json["inputs"] == ended.json["packed"] == 30
    assert ended.json["splits"]["train"]["classes"] == 10
    assert "30 inputs = 30 packed + 0 skipped" in ended.stderr


def test_a_second_run_has_nothing_to_do(source: Path, folder: Path) -> None:
    def stats() -> dict[Path, tuple[int, ...]]:
        found = ((path, path.stat()) for path in folder.rglob("*"))
        return {path: (each.st_ino, each.st_size, each.st_mtime_ns, each.st_ctime_ns) for path, each in found}

    packed(source, folder)
    before = stats()
    again = ran("pack", source, folder, "--json")
    assert (again.code, again.json["packed"]) == (0, 30)
    assert "packed already" in again.stderr
    assert stats() == before


def test_the_source_is_only_read(source: Path, folder: Path) -> None:
    before = {path: (path.stat().st_mtime_ns, path.stat().st_ino, path.stat().st_mode) for path in source.rglob("*")}
    contents = trees.files(source)
    packed(source, folder, "--codec", "zstd", "--split", "train=0.5,val=0.5")
    after = {path: (path.stat().st_mtime_ns, path.stat().st_ino, path.stat().st_mode) for path in source.rglob("*")}
    assert (after, trees.files(source)) == (before, contents)


@pytest.mark.parametrize("before", [True, False], ids=["whole", "half"])
@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("--codec", "raw"),
        ("--size", 5),
        ("--shard-size", "3KB"),
        ("--split", "train=0.5,val=0.5"),
        ("--color", "gray"),
        ("--check", "decode"),
        ("--layout", "{subject}/{impression}.png"),
        ("--sha256", None),
    ],
)
def test_other_options_are_refused_by_name(
    option: str, value: object, source: Path, folder: Path, *, before: bool
) -> None:
    task = () if before else ("--task", "1/2")
    assert ran("pack", source, folder, "--shard-size", "2KB", *task).code == 0
    there = trees.files(folder)
    other = (option,) if value is None else (option, value)
    ended = ran("pack", source, folder, *(("--shard-size", "2KB") if option != "--shard-size" else ()), *other)
    assert ended.code == 5
    assert f"was begun with {option} " in ended.error
    assert ("--replan" in ended.error) == (not before)  # which is refused where a dataset is whole
    assert trees.files(folder) == there


@pytest.mark.parametrize("name", ["groups", "split-file"])
def test_another_list_is_refused(name: str, source: Path, folder: Path, tmp_path: Path) -> None:
    values = [f"{number:04},{'ab'[number % 2]}" for number in range(10)]
    if name == "groups":
        values = [f"{number:04},pair{number // 2}" for number in range(10)]
    path = listed(tmp_path / "list.csv", *values)
    packed(source, folder, f"--{name}", path)
    listed(path, *values[:-1], "0009,c")
    assert ran("pack", source, folder, f"--{name}", path).code == 5


def test_starting_over_forgets_the_old_plan(source: Path, folder: Path, tmp_path: Path) -> None:
    old = ("--shard-size", "2KB", "--sha256", "--split", "train=0.5,old=0.5")
    with (
        mock.patch("shardkit.pack.merge.publish_manifest", side_effect=KeyboardInterrupt),
        pytest.raises(BaseException),  # noqa: B017, PT011
    ):
        ran("pack", source, folder, *old)
    assert (folder / "SHA256SUMS").exists()
    packed(source, folder, "--replan")
    assert trees.files(folder) == trees.files(packed(source, tmp_path / "fresh"))


def test_a_whole_dataset_is_never_thrown_away(source: Path, folder: Path) -> None:
    before = trees.files(packed(source, folder))
    ended = ran("pack", source, folder, "--replan", "--codec", "raw")
    assert ended.code == 2
    assert "--replan does not touch" in ended.error
    assert trees.files(folder) == before


@pytest.mark.parametrize("name", ["notes.txt", ".hidden", "train-000000.tar"])
def test_a_folder_with_something_else_is_left_alone(name: str, source: Path, folder: Path) -> None:
    trees.planted(folder, {name: b"mine"})
    ended = ran("pack", source, folder)
    assert ended.code == 2
    assert repr(name) in ended.error
    assert trees.files(folder) == {name: b"mine"}


@pytest.mark.parametrize("there", [True, False])
def test_a_dry_run_adds_up_and_writes_nothing(source: Path, folder: Path, *, there: bool) -> None:
    trees.planted(source, {"0001/folder.png/x": b"", "notes.txt": b"", "0001/photo.jpg": b""})
    if there:
        folder.mkdir()
    options = ("--split", "train=0.7,val=0.3", "--shard-size", "2KB")
    ended = ran("pack", source, folder, "--dry-run", "--json", *options)
    assert ended.code == 0
    assert folder.exists() == there
    assert not there or not list(folder.iterdir())
    said = ended.json
    assert said["inputs"] == 31 == sum(each["samples"] for each in said["splits"].values()) + 1
    assert said["skipped"] == {"not-a-file": 1}
    assert said["ignored"] == {".jpg": 1, "other": 1}
    assert sum(each["bytes"] for each in said["splits"].values()) == sum(
        len(content) for name, content in trees.files(source).items() if name not in {"notes.txt", "0001/photo.jpg"}
    )
    assert said["free_bytes"] > said["needed_bytes"] > 0
    real = ran("pack", source, folder, "--json", *options).json["splits"]
    assert {name: (each["samples"], each["subjects"], each["shards"]) for name, each in real.items()} == {
        name: (each["samples"], each["subjects"], each["shards"]) for name, each in said["splits"].items()
    }


def test_a_dry_run_says_that_it_would_not_fit(source: Path, folder: Path) -> None:
    with mock.patch("shardkit.pack.estimate.OVERHEAD_PER_SAMPLE", 1 << 60):
        ended = ran("pack", source, folder, "--dry-run")
    assert ended.code == 0
    assert "Warning: that does not fit, and the run itself would be refused (6)." in ended.stderr


def test_a_dry_run_leaves_an_unfinished_pack_as_it_is(source: Path, folder: Path) -> None:
    ran("pack", source, folder, "--shard-size", "2KB", "--task", "1/2")
    before = trees.files(folder)
    assert ran("pack", source, folder, "--codec", "zstd", "--replan", "--dry-run").code == 0
    assert trees.files(folder) == before


@pytest.mark.parametrize("lacking", ["bytes", "inodes"])
def test_what_cannot_fit_is_refused_before_it_starts(lacking: str, source: Path, folder: Path) -> None:
    room = SpaceEstimate(10**6, 10, 10**5, 10**6) if lacking == "bytes" else SpaceEstimate(10**5, 10, 10**6, 9)
    with mock.patch("shardkit.pack.estimate.estimate_space", return_value=room):
        ended = ran("pack", source, folder)
    assert ended.code == 6
    assert f"{lacking} are needed and" in ended.error
    assert not list(folder.rglob("*.tar"))
    packed(source, folder)


def test_an_input_that_may_not_be_left_out_ends_it_at_once(source: Path, folder: Path) -> None:
    (source / "0003/pipe.png").mkdir()
    ended = ran("pack", source, folder, "--on-error", "fail")
    assert ended.code == 8
    assert "'0003/pipe.png'" in ended.error
    assert not folder.exists()
    assert ran("pack", source, folder).code == 3


PREPARATIONS = {
    "--codec zstd": Preparation(),
    "--codec lz4 --color gray": Preparation(color="gray"),
    "--codec raw --color rgb": Preparation(color="rgb"),
    "--codec raw --size 20": Preparation(size=20),
    "--codec raw --size 8 --fit crop": Preparation(size=8, fit="crop"),
    "--codec zstd --size 9 --fit stretch": Preparation(size=9, fit="stretch"),
    "--codec png --size 12": Preparation(size=12),
    "--codec lz4 --color gray --enhance gabor": Preparation(color="gray", enhance="gabor"),
}
KINDS = ("gray8", "rgb8", "palette4", "gray1", "rgb-alpha8")


@pytest.mark.parametrize(("options", "wanted"), PREPARATIONS.items(), ids=PREPARATIONS)
def test_pixels_are_those_that_were_asked_for(options: str, wanted: Preparation, folder: Path, tmp_path: Path) -> None:
    files = {f"{kind}/{seed}.png": png(kind, (17, 11), seed=seed) for kind in KINDS for seed in range(2)}
    dataset = opened(trees.planted(tmp_path / "source", files), folder, *options.split())
    members = trees.members(folder)
    samples = [sample for shard in dataset.shards for sample in dataset.samples(shard)]
    assert len(samples) == len(files)
    for sample in samples:
        content = memoryview(files[sample.source.decode()])
        expected = apply_preparation(decode_png(content, inspect(content)), inspect(content), wanted)
        read = decode(sample.image.ext, members[f"{sample.key}.{sample.image.ext}"])
        np.testing.assert_array_equal(read, expected)
        assert (sample.height, sample.width) == expected.shape[:2]
        assert (sample.original_height, sample.original_width) == (17, 11)


def test_auto_says_what_it_chose_and_why(source: Path, folder: Path, tmp_path: Path) -> None:
    ended = ran("pack", source, folder, "--codec", "auto")
    manifest = open_dataset(folder).manifest
    assert manifest.codec in {"png", "zstd", "lz4", "raw"}
    assert f"codec: {manifest.choice}" in ended.stderr
    assert manifest.choice.startswith(manifest.codec)
    assert all(f"  {codec}: " in ended.stderr for codec in ("png", "zstd", "lz4", "raw"))
    assert trees.files(packed(source, tmp_path / "again", "--codec", "auto", "--workers", 5)) == trees.files(folder)


def test_subjects_of_a_group_stay_together(source: Path, folder: Path, tmp_path: Path) -> None:
    groups = listed(
        tmp_path / "groups.csv", "subject,group", *(f"{number:04},pair{number // 2}" for number in range(10))
    )
    dataset = opened(source, folder, "--split", "a=0.4,b=0.3,c=0.3", "--groups", groups)
    found = splits(dataset)
    assert all(found[f"{number:04}"] == found[f"{number + 1:04}"] for number in range(0, 10, 2))
    assert sorted(dataset.splits) == ["a", "b", "c"]
    assert {subject.subject: subject.group for subject in dataset.subjects}["0007"] == "pair3"


def test_a_split_file_is_followed(source: Path, folder: Path, tmp_path: Path) -> None:
    asked = {f"{number:04}": ("train", "val", "test")[number % 3] for number in range(10)}
    lines = (f"{subject},{split}" for subject, split in asked.items())
    assert splits(opened(source, folder, "--split-file", listed(tmp_path / "splits.csv", *lines))) == asked


@pytest.mark.parametrize("way", ["--split", "--split-file"])
def test_a_split_whose_name_is_too_long_is_refused_at_once(
    way: str, source: Path, folder: Path, tmp_path: Path
) -> None:
    for count, code in ((65, 2), (64, 0)):
        name = "x" * count
        lists = listed(tmp_path / "splits.csv", *(f"{number:04},{name}" for number in range(10)))
        ended = ran("pack", source, folder, way, name if way == "--split" else lists)
        assert (ended.code, folder.exists()) == (code, not code)
        assert not code or "at most 64 letters" in ended.error


@pytest.mark.parametrize(("name", "value"), [("groups", "pair"), ("split-file", "train")])
def test_what_a_list_names_in_vain_is_warned_of(
    name: str, value: str, source: Path, folder: Path, tmp_path: Path
) -> None:
    lines = (f"{number:04},{value}" for number in range(12))
    path = listed(tmp_path / "list.csv", *lines)
    request = PackRequest(source, folder, PackOptions(), **{name.replace("-", "_"): ListFile(path)})
    (warning,) = draft_plan(request, 1, lambda _: None).warnings
    assert "names 2 of 12 in vain: 0010 is not" in warning


def test_a_list_as_seen_from_elsewhere_is_told_from_where_to_write_it(
    source: Path, folder: Path, tmp_path: Path
) -> None:
    wanted = listed(tmp_path / "list", "source/0001/01.png", "source/0004/00.png")
    ended = ran("pack", source, folder, "--files", wanted)
    assert ended.code == 2
    assert "no PNG to pack, and what cannot be packed: 2 gone." in ended.error
    assert f"`cd {source} && find . -name '*.png'`" in ended.error


def test_a_detail_that_is_a_sentence_is_not_ended_twice(source: Path, folder: Path) -> None:
    (source / "0003/00.png").write_bytes(b"GIF89a, not a PNG")
    ended = ran("pack", source, folder, "--on-error", "fail")
    assert ended.code == 8
    assert ".." not in ended.error


@pytest.mark.parametrize("found_by", ["scan", "packing"])
def test_a_rerun_that_may_leave_nothing_out_stops_at_what_was_left_out(
    found_by: str, source: Path, folder: Path
) -> None:
    bad = source / "0000/00.png"
    bad.unlink()
    bad.mkdir() if found_by == "scan" else bad.write_bytes(b"no PNG")
    assert ran("pack", source, folder, "--shard-size", "2KB", "--task", "1/2").code == 0
    ended = ran("pack", source, folder, "--shard-size", "2KB", "--on-error", "fail")
    assert (ended.code, "'0000/00.png'" in ended.error) == (8, True)
    assert ran("pack", source, folder, "--shard-size", "2KB").code == 3


def test_an_enormous_file_is_left_out_by_its_size(source: Path, folder: Path) -> None:
    os.truncate(source / "0003/00.png", 3 << 30)
    os.truncate(source / "0004/00.json", 2 << 30)
    ended = ran("pack", source, folder, "--json")
    assert (ended.code, ended.json["skipped"]) == (3, {"too-large": 2})


def test_pixels_that_no_reader_would_take_are_left_out(folder: Path, tmp_path: Path) -> None:
    """A palette is a third of the colours that it stands for."""
    files = {"a/1.png": png("palette8", (20, 20)), "b/1.png": png("gray8", (20, 20))}
    with mock.patch("shardkit.image.formats.MAX_BYTES", 1000):
        ended = ran("pack", trees.planted(tmp_path / "source", files), folder, "--codec", "zstd")
    assert ended.code == 3
    assert trees.skips(folder) == {"a/1.png": "too-large"}


def test_folds(source: Path, folder: Path) -> None:
    dataset = opened(source, folder, "--folds", 5)
    assert {name: held.subjects for name, held in dataset.splits.items()} == {f"fold{each}": 2 for each in range(5)}


def test_a_list_of_files_is_packed_and_nothing_else(source: Path, folder: Path, tmp_path: Path) -> None:
    wanted = listed(tmp_path / "list", "0001/01.png", "0004/00.png", "0007/02.png")
    packed(source, folder, "--files", wanted)
    assert sorted(name for name in trees.members(folder) if name.endswith(".png")) == wanted.read_text().split()


@contextmanager
def piped(content: bytes) -> Iterator[str]:
    """The path that a shell puts in place of `<(command)`."""
    reading, writing = os.pipe()
    os.write(writing, content)
    os.close(writing)
    yield f"/dev/fd/{reading}"
    os.close(reading)


def test_a_list_may_be_a_link_or_a_pipe(source: Path, folder: Path, tmp_path: Path) -> None:
    wanted = listed(tmp_path / "list", "0001/01.png", "0004/00.png", "0007/02.png")
    (tmp_path / "link.csv").symlink_to(listed(tmp_path / "groups.csv", "0001,hand", "0004,hand"))
    for _ in range(2):  # the second run compares the digests
        with piped(wanted.read_bytes()) as files:
            packed(source, folder, "--files", files, "--groups", tmp_path / "link.csv")
    assert {subject.subject: subject.group for subject in open_dataset(folder).subjects} == {
        "0001": "hand",
        "0004": "hand",
        "0007": "0007",
    }


WRONG: dict[str, tuple[tuple[object, ...], str]] = {
    "a layout without a subject": (("--layout", "{impression}.png"), "{subject}"),
    "a layout that explains nothing": (("--layout", "{subject}_{impression}.png"), "explains none of 30 PNGs"),
    "shares of less than one": (("--split", "train=0.5,val=0.4"), "add up to 0.9"),
    "a share of nothing": (("--split", "train=1,val=0"), "a share above 0"),
    "a share that is no number": (("--split", "train=most,val=rest"), "write names and shares"),
    "a share that is not even that": (("--split", "train=nan,val=0.5"), "a share above 0"),
    "an endless share": (("--split", "train=inf,val=0.5"), "add up to"),
    "a split twice": (("--split", "train=0.5,train=0.5"), "a name of its own"),
    "a split with a slash": (("--split", "a/b=0.5,c=0.5"), "not valid"),
    "a split without a name": (("--split", ""), "not valid"),
    "a split that is reserved": (("--split", "train=0.5,shards=0.5"), "reserved"),
    "splits that differ in case": (("--split", "train=0.5,Train=0.5"), "differ only in upper and lower case"),
    "no split, and folds": (("--split", "", "--folds", 2), "exclude each other"),
    "folds that are none": (("--split", "folds=x"), "write names and shares"),
    "a split called folds": (("--split", "folds=0.5,val=0.6"), "add up to"),
    "more splits than subjects": (("--folds", 11), "cannot fill 11 splits"),
    "one fold": (("--folds", 1), "--folds"),
    "two ways of splitting": (("--split", "train", "--folds", 2), "exclude each other"),
    "no such groups": (("--groups", "nowhere.csv"), "nowhere.csv: No such file"),
    "no such splits": (("--split-file", "nowhere.csv"), "nowhere.csv: No such file"),
    "no such list": (("--files", "nowhere.txt"), "nowhere.txt: No such file"),
    "an unknown codec": (("--codec", "jpeg"), "--codec"),
    "an unknown colour": (("--color", "blue"), "--color"),
    "a size of nothing": (("--size", 0), "--size"),
    "an enormous size": (("--size", 10**6), "--size"),
    "a fit of no size": (("--fit", "crop"), "add --size"),
    "an unknown fit": (("--fit", "tight"), "--fit"),
    "a shard size of nothing": (("--shard-size", "0"), "--shard-size: '0' is no size"),
    "a shard size in words": (("--shard-size", "big"), "is no size"),
    "a negative shard size": (("--shard-size", "-5MB"), "is no size"),
    "no workers": (("--workers", 0), "--workers"),
    "an unknown engine": (("--engine", "steam"), "--engine"),
    "a task beyond all": (("--task", "4/3"), "--task"),
    "a task of words": (("--task", "one"), "--task"),
    "a task of none": (("--task", "0/0"), "--task"),
    "an unknown check": (("--check", "smell"), "--check"),
    "a shape without arrays": (("--shape", "3x32x32"), "--from-arrays"),
    "a shape with a power": (("--from-arrays", "--shape", "3x²x2"), "--shape: '3x²x2'"),
    "an endless shape": (("--from-arrays", "--shape", f"3x{'9' * 5000}x2"), "--shape: "),
    "a shape of words": (("--shape", "wide"), "--shape"),
    "an unknown option": (("--fast",), "--fast"),
}


@pytest.mark.parametrize(("options", "said"), WRONG.values(), ids=WRONG)
def test_what_cannot_be_meant_is_one_sentence(
    options: tuple[object, ...], said: str, source: Path, folder: Path
) -> None:
    ended = ran("pack", source, folder, *options)
    assert ended.code == 2
    assert said in ended.error
    assert trees.files(folder) == {}


PLACES: dict[str, tuple[Callable[[Path], object], str]] = {
    "no source": (lambda path: path, "there is no such folder"),
    "a file as source": (Path.touch, "that is a file, not a folder"),
    "an empty source": (Path.mkdir, "no PNG to pack"),
    "a source without images": (lambda path: trees.planted(path, {"a/b.jpg": b""}), "1 .jpg"),
}


@pytest.mark.parametrize(("make", "said"), PLACES.values(), ids=PLACES)
def test_a_source_that_is_none(make: Callable[[Path], object], said: str, folder: Path, tmp_path: Path) -> None:
    make(tmp_path / "source")
    ended = ran("pack", tmp_path / "source", folder / "inner")
    assert ended.code == 2
    assert said in ended.error
    assert not folder.exists()


@pytest.mark.parametrize("out", ["x" * 300, "file/out", "/proc/out"])
def test_a_place_that_cannot_be(out: str, source: Path, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    assert ran("pack", source, tmp_path / out).code == 2


@pytest.mark.parametrize(
    ("name", "line", "said"),
    [
        ("groups", "0001", "expected `subject,group`"),
        ("groups", "0001,a,b", "expected `subject,group`"),
        ("groups", "subject_0001,a", "list.csv: it names none of the subjects: subject_0001 is not"),
        ("split-file", "subject_0001,a", "look like 0000"),
        ("split-file", f"0001,{'x' * 65}", "not valid"),
        ("split-file", "0001,", "expected `subject,split`"),
        ("split-file", "0001,train", "does not name the subject 0000"),
    ],
)
def test_a_list_that_cannot_be_meant_is_one_sentence(
    name: str, line: str, said: str, source: Path, tmp_path: Path
) -> None:
    ended = ran("pack", source, tmp_path / "packed", f"--{name}", listed(tmp_path / "list.csv", line))
    assert ended.code == 2
    assert said in ended.error


def test_a_group_that_a_split_file_tears_is_refused(source: Path, folder: Path, tmp_path: Path) -> None:
    groups = listed(tmp_path / "groups.csv", "0000,twins", "0001,twins")
    lists = listed(tmp_path / "splits.csv", *(f"{number:04},{'ab'[number % 2]}" for number in range(10)))
    ended = ran("pack", source, folder, "--groups", groups, "--split-file", lists)
    assert ended.code == 2
    assert "both are of the group twins" in ended.error


def test_the_same_bytes_in_two_splits_are_told(source: Path, folder: Path, tmp_path: Path) -> None:
    trees.planted(source, {"0001/copy.png": png(seed=0)})  # that of 0000/00
    lists = listed(tmp_path / "splits.csv", *(f"{number:04},{'ab'[number % 2]}" for number in range(10)))
    ended = ran("pack", source, folder, "--split-file", lists, "--json")
    assert (ended.json["duplicates"], ended.json["leaks"]) == (1, 1)
    assert "a: 0000/00 = b: 0001/copy" in ended.stderr


def test_the_json_line_is_one_line(source: Path, folder: Path) -> None:
    stdout = ran("pack", source, folder, "--json").stdout
    assert stdout.count("\n") == 1
    assert json.loads(stdout)["folder"] == str(folder)


@pytest.mark.parametrize("inside", ["source", "folder", "both"])
def test_source_and_dataset_lie_apart(inside: str, source: Path) -> None:
    before = trees.files(source)
    src, dst = {"source": (source, source.parent), "folder": (source, source / "out"), "both": (source, source)}[inside]

    ended = ran("pack", src, dst)

    assert (ended.code, trees.files(source)) == (2, before)
    assert "lie in one another" in ended.error


def test_a_rerun_from_another_source_is_refused(source: Path, folder: Path, tmp_path: Path) -> None:
    assert ran("pack", source, folder, "--shard-size", "2KB", "--task", "1/9").code == 0
    other = trees.grown(tmp_path / "other", subjects=5, impressions=1)
    before = trees.files(folder)

    ended = ran("pack", other, folder, "--shard-size", "2KB")

    assert ended.code == 5
    assert "are not here or have changed" in ended.error
    assert {name: content for name, content in trees.files(folder).items() if name in before} == before


def test_a_source_that_no_path_can_be_is_not_there(source: Path) -> None:
    with pytest.raises(Mismatch, match="1 are not here or have changed"):
        check_same_source(source, [(b"a\0b", None, None)], source, unfinished=False)


def test_another_source_is_not_packed_already(source: Path, folder: Path, tmp_path: Path) -> None:
    assert ran("pack", source, folder).code == 0

    ended = ran("pack", trees.grown(tmp_path / "other", subjects=5, impressions=1), folder)

    assert ended.code == 5
    assert "shardkit append" in ended.error


def test_a_source_of_which_nothing_can_be_packed_makes_no_dataset(folder: Path, tmp_path: Path) -> None:
    source = trees.planted(tmp_path / "empties", {"a/1.png": b"", "b/1.png": b"no PNG"})

    ended = ran("pack", source, folder)

    assert ended.code == 2
    assert "nothing could be packed (1 empty, 1 not-png), for example 'a/1.png': the file has no bytes." in ended.error
    assert not (folder / "manifest.json").exists()


def test_a_dry_run_says_what_the_run_would_refuse(source: Path) -> None:
    ended = ran("pack", source, source / "out", "--dry-run")

    assert ended.code == 2
    assert "lie in one another" in ended.error
