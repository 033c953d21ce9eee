"""`shardkit unpack --to-arrays`: the files that were packed, byte for byte."""

import json
import os
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

import shardkit
from shardkit.cli.commands.remove import remove
from shardkit.cli.commands.unpack import unpack
from shardkit.cli.commands.verify import verify
from shardkit.errors import Damaged, Mismatch, UsageError
from shardkit.format.tables import INDEX, write_table
from shardkit.storage.folder import DatasetFolder
from tests.packed import files
from tests.shardkit.format.test_manifest import sealed
from tests.shardkit.pack.array_files import binary, labels, npy, packed, unpacked, values
from tests.tools.tool import made

SPLIT = "train=0.7,val=0.2,test=0.1"
SIDE = st.integers(1, 5)


@pytest.mark.parametrize("make", [binary, npy])
@pytest.mark.parametrize("codec", ["zstd", "lz4", "raw"])
def test_all_splits_together_give_the_files_back(make: Callable[[Path], Path], codec: str, tmp_path: Path) -> None:
    source = make(tmp_path / "src")
    folder = packed(source, tmp_path / "dst", split=SPLIT, codec=codec)
    assert files(unpacked(folder, tmp_path / "out", "--workers", "3")) == files(source)


def test_what_make_arrays_makes_comes_back(tmp_path: Path) -> None:
    made("make_arrays", tmp_path / "src", "--samples", 700, "--shape", "3x8x8", "--seed", 3)
    folder = packed(tmp_path / "src", tmp_path / "dst", split=SPLIT, shape="3x8x8", shard_size="50KB")
    out = files(unpacked(folder, tmp_path / "out"))
    source = files(tmp_path / "src")
    assert out == {name: source[name] for name in (b"images.bin", b"labels.bin")}


@given(data=st.data(), kind=st.sampled_from(["|u1", "<u2", "<f4"]), label=st.sampled_from(["|u1", "<i2", "<i4", "<i8"]))
@settings(max_examples=12, deadline=None)
def test_any_shape_and_type_comes_back(
    data: st.DataObject, kind: str, label: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    shape = data.draw(st.tuples(SIDE, SIDE) | st.tuples(SIDE, SIDE, SIDE))
    samples = data.draw(st.integers(2, 12))
    images: Any = data.draw(arrays(kind, (samples, *shape)))
    given_: Any = data.draw(arrays(label, (samples,), elements=st.integers(0, 100)))
    folder = tmp_path_factory.mktemp("any")
    source = npy(folder / "src", images, given_)
    dataset = packed(source, folder / "dst", split="a=0.5,b=0.5", shard_size=data.draw(st.integers(1, 500)))
    assert files(unpacked(dataset, folder / "out")) == files(source)


@pytest.mark.parametrize("make", [binary, npy])
def test_a_split_alone_keeps_the_order_of_its_samples(make: Callable[[Path], Path], tmp_path: Path) -> None:
    folder = packed(make(tmp_path / "src"), tmp_path / "dst", split=SPLIT)
    parts = [_read(unpacked(folder, tmp_path / split, "--split", split)) for split in ("train", "val", "test")]
    assert [len(classes) for _, classes in parts] == [140, 40, 20]
    places = {image.tobytes(): number for number, image in enumerate(values())}
    for images, classes in parts:
        numbers = [places[image.tobytes()] for image in images]
        assert numbers == sorted(numbers)
        assert classes.tolist() == labels()[numbers].tolist()


def test_a_class_alone(tmp_path: Path) -> None:
    folder = packed(binary(tmp_path / "src"), tmp_path / "dst", split=SPLIT)
    images, classes = _read(unpacked(folder, tmp_path / "out", "--subject", "3"))
    assert set(classes) == {3}
    assert images.tobytes() == values()[labels() == 3].tobytes()


def test_after_a_removal_the_others_come_back(tmp_path: Path) -> None:
    folder = packed(npy(tmp_path / "src"), tmp_path / "dst", split=SPLIT)
    remove.main([str(folder), "--subject", "3", "--yes"], standalone_mode=False)
    images, classes = _read(unpacked(folder, tmp_path / "out"))
    assert images.tobytes() == values()[labels() != 3].tobytes()
    assert classes.tolist() == labels()[labels() != 3].tolist()


def _read(out: Path) -> tuple[Any, Any]:
    if (out / "images.npy").exists():
        return np.load(out / "images.npy"), np.load(out / "labels.npy")
    return np.fromfile(out / "images.bin", "<f4").reshape(-1, 3, 2, 4), np.fromfile(out / "labels.bin", "<i4")


def test_files_that_are_there_are_compared_and_never_overwritten(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source = binary(tmp_path / "src")
    folder, out = packed(source, tmp_path / "dst"), tmp_path / "out"
    (unpacked(folder, out) / "images.bin").unlink()
    unpacked(folder, out)
    assert "1 files written, 1 were there" in capsys.readouterr().err
    assert files(out) == files(source)
    content = (source / "images.bin").read_bytes()
    for spoilt in (b"\xff" + content[1:], content[:-1], content + b"\x00"):
        (out / "images.bin").write_bytes(spoilt)
        with pytest.raises(Mismatch, match=r"images\.bin: is there with other bytes, and is not overwritten"):
            unpacked(folder, out)
        assert (out / "images.bin").read_bytes() == spoilt


def test_a_damaged_sample_leaves_no_file(tmp_path: Path) -> None:
    """A matrix with a hole in it would look whole."""
    folder = packed(binary(tmp_path / "src"), tmp_path / "dst", codec="raw")
    with (folder / "train-000001.tar").open("r+b") as tar:
        tar.seek(512 + 130)
        tar.write(b"\xff")
    with pytest.raises(Damaged, match=r"train-000001\.tar: '.*npy' at byte .* must have the digest"):
        unpacked(folder, tmp_path / "out")
    assert [each.name for each in (tmp_path / "out").iterdir()] == ["labels.bin"]


def test_each_kind_goes_back_to_what_it_was(packed_once: Path, tmp_path: Path) -> None:
    folder = packed(binary(tmp_path / "src"), tmp_path / "dst")
    with pytest.raises(UsageError, match=r"was packed from arrays.*Add --to-arrays"):
        unpack.main([str(folder), str(tmp_path / "out")], standalone_mode=False)
    with pytest.raises(UsageError, match=r"was not packed from arrays\. Leave --to-arrays out"):
        unpacked(packed_once, tmp_path / "out")
    assert not (tmp_path / "out").exists()


@pytest.fixture(scope="module")
def npy_dataset(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("npy")
    return packed(npy(folder / "src"), folder / "dst", split=SPLIT)


def lying(dataset: Path, folder: Path, lie: Mapping[str, object]) -> Path:
    """A copy whose manifest has other options, or other fields in its `arrays`, and is sealed."""
    copy = shutil.copytree(dataset, folder / "copy")
    fields = json.loads((copy / "manifest.json").read_bytes())
    true = fields["options"]["arrays"]
    fields["options"] |= lie
    if isinstance(arrays := lie.get("arrays"), dict):
        fields["options"]["arrays"] = true | arrays
    (copy / "manifest.json").write_bytes(sealed(fields))
    return copy


@pytest.mark.parametrize("field", ["images", "labels"])
@pytest.mark.parametrize(
    "name", ["{}/evil.pth", "../evil.pth", "evil.pth", "a/images.npy", "..", "", "x\0", "images.bin"]
)
def test_no_name_of_the_manifest_becomes_a_path(field: str, name: str, npy_dataset: Path, tmp_path: Path) -> None:
    hurt = lying(npy_dataset, tmp_path, {"arrays": {field: name.format(tmp_path / "elsewhere")}})
    (tmp_path / "elsewhere").mkdir()
    with pytest.raises(Damaged, match=r"description of the packed arrays|no version writes this"):
        unpacked(hurt, tmp_path / "deep/out")
    assert sorted(each.name for each in tmp_path.iterdir()) == ["copy", "elsewhere"]
    assert not list((tmp_path / "elsewhere").iterdir())


OTHER_HEAD = (
    np.lib.format.magic(1, 0) + b"\x46\x00{'descr': '<i4', 'fortran_order': False, 'shape': (7,), }".ljust(70) + b"\n"
)
LIES: list[Any] = [
    *({"arrays": {"labels_head": head}} for head in ("", "zz", "41", b"import os".hex(), OTHER_HEAD.hex())),
    {"arrays": {"images_head": OTHER_HEAD.hex()}},
    *({"arrays": {"type": kind}} for kind in ("|O", "<f8", "", 7)),
    *({"arrays": {"label_type": kind}} for kind in ("|O", "<f4", None)),
    *({"arrays": {"samples": samples}} for samples in (0, -1, 10**30, "7", True, 199)),
    *({"arrays": each} for each in ({"more": 1}, 7, "x", [1])),
    *({"shape": shape} for shape in (None, [], [3], [3, 2, 5], [0, 2, 4], [10**9] * 3, ["x", {}], [True, 2, 4], 7)),
]


@pytest.mark.parametrize("lie", LIES, ids=str)
def test_an_untrue_description_is_damage(lie: dict[str, Any], npy_dataset: Path, tmp_path: Path) -> None:
    hurt = lying(npy_dataset, tmp_path, lie)
    with pytest.raises(Damaged, match=r"description of the packed arrays|no version writes this"):
        unpacked(hurt, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_verify_finds_an_untrue_description(
    npy_dataset: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    hurt = lying(npy_dataset, tmp_path, {"arrays": {"labels": "../evil.pth"}})
    assert verify.main([str(hurt)], standalone_mode=False) == Damaged.exit_code
    assert "manifest.json: manifest. " in capsys.readouterr().err


@pytest.mark.parametrize("make", [os.mkfifo, Path.mkdir, lambda path: path.symlink_to(path.parent.parent / "absent")])
@pytest.mark.parametrize("name", ["images.npy", "labels.npy"])
def test_what_is_no_file_stays_and_is_not_waited_for(
    make: Callable[[Path], object], name: str, npy_dataset: Path, tmp_path: Path
) -> None:
    (tmp_path / "out").mkdir()
    make(tmp_path / "out" / name)
    before = (tmp_path / "out" / name).lstat()
    with pytest.raises(Mismatch, match=rf"{name}: is there with other bytes"):
        unpacked(npy_dataset, tmp_path / "out")
    assert (tmp_path / "out" / name).lstat() == before
    assert not (tmp_path / "absent").exists()


def rewrite(dataset: Path, change: Callable[[list[dict[str, Any]]], object]) -> None:
    """Change the rows of the first shard of the split train."""
    opened = shardkit.open(dataset)
    groups = [opened.rows(each).to_pylist() for each in opened["train"].shards]
    change(groups[0])
    name = opened["train"].shards[0].index
    write_table(DatasetFolder(dataset), name, INDEX, [pa.Table.from_pylist(each, INDEX) for each in groups])


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (lambda rows: rows[1].update(impression=rows[0]["impression"]), "two samples have one impression"),
        (lambda rows: rows[0].update(label=1 << 33), "8,589,934,592 as label, expected 0 to"),
    ],
    ids=["impression", "label"],
)
def test_an_index_that_lies_leaves_no_file(
    change: Callable[[list[dict[str, Any]]], object], why: str, npy_dataset: Path, tmp_path: Path
) -> None:
    hurt = shutil.copytree(npy_dataset, tmp_path / "copy")
    rewrite(hurt, change)
    with pytest.raises(Damaged, match=why):
        unpacked(hurt, tmp_path / "out")
    assert not files(tmp_path / "out")


def test_other_counts_than_those_of_the_index_leave_no_file(npy_dataset: Path, tmp_path: Path) -> None:
    hurt = shutil.copytree(npy_dataset, tmp_path / "copy")
    fields = json.loads((hurt / "manifest.json").read_bytes())
    fields["generations"][0]["splits"]["val"]["samples"] += 1
    (hurt / "manifest.json").write_bytes(sealed(fields))
    with pytest.raises(Damaged, match="the manifest counts"):
        unpacked(hurt, tmp_path / "out")
    assert not files(tmp_path / "out")
