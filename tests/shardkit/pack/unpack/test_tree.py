"""Packed and unpacked, a tree is what it was; and nothing but that tree is written."""

import io
import os
import shutil
import tarfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import shardkit
from shardkit.cli.commands.index import index
from shardkit.errors import Damaged, Mismatch, UsageError
from shardkit.image.codec import decode
from shardkit.pack.unpack.tree import UnpackResult, is_lossless, sample_files, unpack
from shardkit.reader.dataset import Dataset, Split, select
from shardkit.reader.shard import Record
from shardkit.schema import Member, Sample
from tests.packed import files, packed
from tests.pictures import png


def unpacked(folder: Path, out: Path, *, subject: str | None = None, split: str | None = None) -> list[UnpackResult]:
    dataset = shardkit.open(folder)
    return list(unpack(dataset, out, select(dataset, split, subject), 2, lambda _samples, _bytes: None))


def findings(outcomes: Sequence[UnpackResult]) -> list[str]:
    return [finding for each in outcomes for finding in each.findings]


def test_the_tree_comes_back_byte_for_byte(packed_once: Path, tmp_path: Path) -> None:
    source = files(packed_once.parent / "source")

    outcomes = unpacked(packed_once, tmp_path / "out")

    assert files(tmp_path / "out") == source
    assert sum(each.written for each in outcomes) == len(source)
    assert not findings(outcomes)


def test_a_second_time_finds_everything_there(packed_once: Path, tmp_path: Path) -> None:
    unpacked(packed_once, tmp_path / "out")
    before = {path: path.stat().st_mtime_ns for path in (tmp_path / "out").rglob("*")}

    outcomes = unpacked(packed_once, tmp_path / "out")

    assert {path: path.stat().st_mtime_ns for path in (tmp_path / "out").rglob("*")} == before
    assert sum(each.there for each in outcomes) == len(files(tmp_path / "out"))
    assert sum(each.written for each in outcomes) == 0


def test_only_what_is_missing_is_written(packed_once: Path, tmp_path: Path) -> None:
    source = packed_once.parent / "source"
    out = shutil.copytree(source, tmp_path / "out")
    (out / "S.1/04.png").unlink()
    shutil.rmtree(out / "100%")
    missing = len(files(source)) - len(files(out))

    assert sum(each.written for each in unpacked(packed_once, out)) == missing > 1
    assert files(out) == files(source)


def test_a_split_or_a_subject_alone(packed_once: Path, tmp_path: Path) -> None:
    dataset = shardkit.open(packed_once)
    val = {dataset["val"].sample(key).source for key in dataset["val"]}

    unpacked(packed_once, tmp_path / "split", split="val")
    unpacked(packed_once, tmp_path / "subject", subject="S.1")

    assert {path for path in files(tmp_path / "split") if path.endswith(b".png")} == val
    assert files(tmp_path / "subject" / "S.1") == files(packed_once.parent / "source/S.1")
    assert len(list((tmp_path / "subject").iterdir())) == 1


@pytest.mark.parametrize("codec", ["zstd", "lz4", "raw"])
@pytest.mark.parametrize("kind", ["gray8", "gray16", "rgb8", "rgb-alpha8"])
def test_pixels_come_back_as_png(tmp_path: Path, codec: str, kind: str) -> None:
    source = tmp_path / "source/000001/x.png"
    source.parent.mkdir(parents=True)
    source.write_bytes(png(kind))
    folder = packed(tmp_path, codec=codec)

    unpacked(folder, tmp_path / "out")

    found = (tmp_path / "out/000001/x.png").read_bytes()
    assert np.array_equal(decode("png", found), decode("png", source.read_bytes()))
    assert not is_lossless(shardkit.open(folder).manifest)


def test_a_file_with_other_bytes_is_never_overwritten(packed_once: Path, tmp_path: Path) -> None:
    precious = tmp_path / "out/S.1/04.png"
    precious.parent.mkdir(parents=True)
    precious.write_bytes(b"precious")

    with pytest.raises(Mismatch, match=r"out/S\.1/04\.png: is there with other bytes"):
        unpacked(packed_once, tmp_path / "out")

    assert precious.read_bytes() == b"precious"


def link(path: Path) -> None:
    path.symlink_to(path.parents[2] / "elsewhere")


@pytest.mark.parametrize("make", [link, Path.mkdir, os.mkfifo], ids=["link", "folder", "pipe"])
def test_what_is_no_file_is_never_written_through(packed_once: Path, tmp_path: Path, make: object) -> None:
    there = tmp_path / "out/S.1/04.png"
    there.parent.mkdir(parents=True)
    (tmp_path / "elsewhere").write_bytes(files(packed_once.parent / "source")[b"S.1/04.png"])
    assert callable(make)
    make(there)

    with pytest.raises(Mismatch, match=r"out/S\.1/04\.png: is there with other bytes"):
        unpacked(packed_once, tmp_path / "out")


def test_a_link_to_another_folder_is_not_followed(packed_once: Path, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "out").mkdir()
    (tmp_path / "out/S.1").symlink_to(tmp_path / "elsewhere")

    with pytest.raises(Mismatch, match=r"out/S\.1: is a link or a file"):
        unpacked(packed_once, tmp_path / "out")

    assert not list((tmp_path / "elsewhere").iterdir())


@pytest.mark.parametrize("name", ["manifest.json", ".shardkit"])
def test_what_looks_like_a_dataset_stays_untouched(packed_once: Path, tmp_path: Path, name: str) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / name).symlink_to(tmp_path / "absent")

    with pytest.raises(UsageError, match="belongs to a dataset"):
        unpacked(packed_once, tmp_path / "out")

    assert [each.name for each in (tmp_path / "out").iterdir()] == [name]
    assert not (tmp_path / "absent").exists()


@pytest.mark.parametrize("inside", [".", "out", ".shardkit/out"])
def test_nothing_is_unpacked_into_a_dataset(packed_copy: Path, inside: str) -> None:
    before = files(packed_copy)

    with pytest.raises(UsageError, match="belongs to a dataset, whose files are a closed set"):
        unpacked(packed_copy, packed_copy / inside)

    assert files(packed_copy) == before


def test_what_is_damaged_is_named_and_the_rest_comes_back(packed_copy: Path, packed_once: Path, tmp_path: Path) -> None:
    dataset = shardkit.open(packed_copy)
    first, second, *_ = dataset["train"].shards
    hurt = dataset.samples(first)[0]
    with dataset.path(first).open("r+b") as file:
        file.seek(hurt.image.offset)
        file.write(b"?")
    dataset.path(second).unlink()

    one, other = sorted(findings(unpacked(packed_copy, tmp_path / "out")))

    assert f"{first.name}: '{hurt.key}.png' at byte {hurt.image.offset:,} must have the digest" in one
    assert f"{second.name}: missing" in other
    lost = {each.source.removesuffix(b"png") for each in (hurt, *dataset.samples(second))}
    source = files(packed_once.parent / "source")
    left = {path: content for path, content in source.items() if path.rpartition(b".")[0] + b"." not in lost}
    assert files(tmp_path / "out") == left


@pytest.mark.parametrize(
    "source", [b"/etc/x.png", b"../x.png", b"a/../../x.png", b".shardkit-unpack/0/x.png", b".shardkit/x.png"]
)
def test_a_hostile_path_is_named_and_not_written(
    packed_once: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, source: bytes
) -> None:
    samples = Split.samples

    def lying(self: Split, *args: object) -> list[Sample]:
        first, *others = samples(self, *args)  # type: ignore[arg-type]  # passed on
        return [replace(first, source=source), *others]

    monkeypatch.setattr(Split, "samples", lying)
    outcomes = unpacked(packed_once, tmp_path / "deep/out")

    assert len(findings(outcomes)) == len(shardkit.open(packed_once).shards)
    assert f"the path {source!r} is none of a file below a folder" in findings(outcomes)[0]
    assert [each.name for each in tmp_path.iterdir()] == ["deep"]
    assert [each.name for each in (tmp_path / "deep").iterdir()] == ["out"]
    assert files(tmp_path / "deep/out").items() <= files(packed_once.parent / "source").items()


def test_two_samples_with_one_path_are_refused(
    packed_once: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    samples = Split.samples

    def lying(self: Split, *args: object) -> list[Sample]:
        return [replace(each, source=b"same.png") for each in samples(self, *args)]  # type: ignore[arg-type]

    monkeypatch.setattr(Split, "samples", lying)

    with pytest.raises(
        Mismatch, match=r"same\.(png|mnt): (is the path of two samples|came there meanwhile|is there with)"
    ):
        unpacked(packed_once, tmp_path / "out")


def record_of(dataset: Dataset) -> Record:
    return dataset["train"][next(iter(dataset["train"]))]


def adopted(record: Record, source: bytes, ext: str) -> Record:
    image = Member(ext, record.sample.image.offset, record.sample.image.size, record.sample.image.xxh3)
    return replace(record, sample=replace(record.sample, source=source, image=image))


@pytest.mark.parametrize(
    ("source", "ext", "names"),
    [
        (b"./a/b.jpg", "jpg", [(b"a", b"b.jpg"), (b"a", b"b.mnt")]),
        (b"a/b.seg.PNG", "seg.png", [(b"a", b"b.seg.PNG"), (b"a", b"b.mnt")]),
        (b"a/b.npy", "npy", [(b"a", b"b.npy"), (b"a", b"b.mnt")]),
    ],
)
def test_an_adopted_member_comes_back_as_it_was(
    packed_once: Path, source: bytes, ext: str, names: list[tuple[bytes, ...]]
) -> None:
    record = replace(record_of(shardkit.open(packed_once)), sidecars={"mnt": b"minutiae"})

    found = sample_files(adopted(record, source, ext), Path("shard.tar"))

    assert [parts for parts, _ in found] == names
    assert [content for _, content in found] == [record.image, b"minutiae"]


def test_adopted_tars_come_back_as_they_were(tmp_path: Path) -> None:
    members = {f"{number:03}{'x' * 120}/{number}.png": png(seed=number) for number in range(3)}
    folder = tmp_path / "adopted"
    folder.mkdir()
    with tarfile.open(folder / "train-000000.tar", "w", format=tarfile.PAX_FORMAT) as tar:
        for name, content in members.items():
            for each, its in ((name, content), (name.replace(".png", ".txt"), b"words")):
                info = tarfile.TarInfo(each)
                info.size = len(its)
                tar.addfile(info, io.BytesIO(its))
    index.main([str(folder / "train-000000.tar"), str(folder)], standalone_mode=False)

    assert not findings(unpacked(folder, tmp_path / "out"))
    words = {name.replace(".png", ".txt").encode(): b"words" for name in members}
    assert files(tmp_path / "out") == {name.encode(): content for name, content in members.items()} | words


def test_pixels_that_nobody_can_decode_are_named(packed_once: Path) -> None:
    record = adopted(record_of(shardkit.open(packed_once)), b"a/b.png", "npy.zst")

    with pytest.raises(Damaged, match=rf"shard\.tar: '{record.sample.key}' at byte 512: zstd says"):
        sample_files(record, Path("shard.tar"))
