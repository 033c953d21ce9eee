"""Guarantee 5: whatever a dataset holds, streaming it runs no code, starts no program and writes nothing."""

import os
import sys
from dataclasses import replace
from pathlib import Path
from unittest import mock

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from shardkit.errors import BadInput, Damaged, ShardkitError
from shardkit.format.manifest import manifest_bytes, read_manifest
from shardkit.format.tables import INDEX, SHARDS, write_table
from shardkit.image.png.kernels import load_kernels
from shardkit.reader.dataset import open_dataset
from shardkit.storage.folder import DatasetFolder
from shardkit.stream.dataset import StreamingDataset
from tests.packed import packed
from tests.pictures import BOMBS, KINDS, bomb, damaged, png
from tests.shardkit.stream.apart import apart
from tests.shardkit.stream.prints import adopted
from tests.trees import planted

pytestmark = pytest.mark.usefixtures("server_that_stays")
PICKLE = b"cos\nsystem\n(S'touch harmed'\ntR."
OBJECTS = b"{'descr': '|O', 'fortran_order': False, 'shape': (1,), }"
EXPRESSION = b"__import__('os').system('touch harmed')"
ADOPTED = {
    "a/1.png": png(seed=1),
    "a/1.pyd": EXPRESSION,
    "a/1.pkl": PICKLE,
    "a/1.py": EXPRESSION,
    "a/1.json": b'{"label": "__import__(\'os\')", "url": "pipe:touch harmed"}',
    "a/2.png": png(seed=2),
    "a/2.mnt": PICKLE,
    "a/2.cls": b"1",
}
FORBIDDEN = (
    "exec",
    "compile",
    "import",
    "pickle",
    "marshal",
    "subprocess",
    "os.system",
    "os.exec",
    "os.posix_spawn",
    "os.fork",
    "socket",
    "ctypes",
)


def watched(harmless: Path, hostile: list[Path]) -> tuple[list[str], list[str], int]:
    """What must not happen and did, what was written, and how many samples were served for all that."""
    load_kernels()
    gone_through(harmless)  # so that all that is ours to import is there
    forbidden, written = set[str](), []

    def hook(event: str, args: tuple[object, ...]) -> None:
        if event.startswith(FORBIDDEN) and not str(args[0]).startswith("dateutil"):  # which pyarrow looks for
            forbidden.add(f"{event} {args[:1]}")
        if event == "open" and isinstance(args[2], int) and args[2] & (os.O_WRONLY | os.O_RDWR | os.O_CREAT):
            written.append(str(args[0]))

    sys.addaudithook(hook)
    served = sum(gone_through(folder) for folder in hostile)
    return sorted(forbidden), written, served


def gone_through(folder: Path) -> int:
    """In each of these ways, as far as it goes."""
    served = 0
    for options in (
        {},
        {"check": False},
        {"size": 8, "color": "rgb"},
        {"as_list": True},
        {"minutiae": True, "size": 8},
    ):
        try:
            for batch in StreamingDataset(folder, batch_size=2, tail="mask", threads=2, on_bad="substitute", **options):
                served += int(batch.valid.sum())
        except ShardkitError as error:
            assert str(error)  # noqa: PT017 - it may end well too
    return served


def with_pictures(root: Path, pictures: dict[str, bytes]) -> Path:
    """A packed dataset of pictures; what cannot be packed is left out."""
    planted(root / "source", {f"s{number:02}/{number}.png": each for number, each in enumerate(pictures.values())})
    planted(root / "source", {f"s{number:02}/{number}.mnt": PICKLE for number in range(len(pictures))})
    return packed(root)


def overwritten(root: Path, codec: str, content: bytes) -> Path:
    """A packed dataset in which what stands at the start of each payload is another thing now."""
    planted(root / "source", {f"s{number:02}/a.png": png(shape=(40, 40), seed=number) for number in range(4)})
    folder = packed(root, codec=codec)
    dataset = open_dataset(folder)
    for shard in dataset["train"].shards:
        with (folder / shard.name).open("r+b") as tar:
            for sample in dataset.samples(shard):
                tar.seek(sample.image.offset)
                tar.write(content[: sample.image.size])
    return folder


def numpy_header(text: bytes) -> bytes:
    return b"\x93NUMPY\x01\x00\x76\x00" + text.ljust(117) + b"\n" + PICKLE


def test_nothing_of_a_hostile_dataset_is_run(tmp_path: Path) -> None:
    harmless = with_pictures(tmp_path / "harmless", {kind: png(kind) for kind in KINDS})
    hostile = [
        with_pictures(tmp_path / "bombs", {name.decode(): bomb(name) for name in BOMBS} | {"": png()}),
        overwritten(tmp_path / "objects", "raw", numpy_header(OBJECTS)),
        overwritten(tmp_path / "expression", "raw", numpy_header(EXPRESSION)),
        *(overwritten(tmp_path / codec, codec, PICKLE * 9) for codec in ("raw", "zstd", "lz4", "png")),
        adopted(tmp_path / "adopted", ADOPTED),
    ]

    forbidden, written, served = apart(watched, harmless, hostile)

    assert not forbidden
    assert not written
    assert served
    assert not list(tmp_path.rglob("harmed"))


def test_pictures_that_cannot_be_decoded_are_told_though_their_digests_are_right(tmp_path: Path) -> None:
    """Whoever adopts tars has their headers read, and no more."""
    good = {f"good/{number}.png": png(shape=(4, 4), seed=number) for number in range(3)}
    bad = {f"{number:03}/0.png": content for number, (content, _) in enumerate(damaged().values())}
    folder = adopted(tmp_path / "tars", {**good, **bad})
    taken = {sample.key for shard in open_dataset(folder).shards for sample in open_dataset(folder).samples(shard)}
    assert taken > {"good/0", "good/1", "good/2"}

    stream = StreamingDataset(folder, batch_size=len(taken), size=4, color="gray", on_bad="substitute", threads=2)
    [batch] = stream
    assert set(batch.keys) == {"good/0", "good/1", "good/2"}
    assert {bad.key for bad in stream.quarantine} == taken - set(batch.keys)
    with pytest.raises(BadInput, match=r"train-000000\.tar: '\d+/0\.png' at byte [\d,]+ cannot be served"):
        list(StreamingDataset(folder, batch_size=len(taken), size=4, color="gray"))


SIDES = [
    {"width": -3},
    {"channels": -1},
    {"channels": 2**31 - 1},
    {"width": 2**31 - 1, "height": 2**31 - 1, "channels": 7},
]


@pytest.mark.parametrize("sides", [*SIDES, {"width": 1 << 16, "height": 1 << 16}])
def test_sides_that_only_the_index_knows_cost_no_memory(packed_copy: Path, sides: dict[str, int]) -> None:
    dataset = open_dataset(packed_copy)
    shards = dataset["train"].shards
    groups = [[row | sides for row in dataset.rows(each).to_pylist()] for each in shards]
    write_table(
        DatasetFolder(packed_copy), shards[0].index, INDEX, [pa.Table.from_pylist(each, INDEX) for each in groups]
    )
    with mock.patch("shardkit.host.resources.available_bytes", return_value=8 << 30), pytest.raises(ShardkitError):
        next(iter(StreamingDataset(packed_copy, batch_size=2, threads=1)))


@pytest.mark.parametrize("sides", [[10**9] * 3, ["x", {}], [0, 3], [2, -3], [True, 2], 7, "ab", [], [2.5, 2], [4] * 5])
def test_an_array_of_impossible_sides_is_damage(packed_copy: Path, sides: object) -> None:
    reforged(packed_copy, options={"shape": sides})

    with pytest.raises(Damaged, match=r"manifest\.json: no version writes this.* options: .*shape"):
        StreamingDataset(packed_copy, batch_size=2, threads=1)


@pytest.mark.parametrize("prepared", [{"size": "x"}, {"size": -1}, {"size": 10**9}, {"fit": 3}, {"fit": "round"}])
def test_a_preparation_that_cannot_be_is_damage(packed_copy: Path, prepared: dict[str, object]) -> None:
    reforged(packed_copy, preparation=prepared)

    with pytest.raises(Damaged, match=r"manifest\.json: no version writes this.* .*(size|fit)"):
        next(iter(StreamingDataset(packed_copy, batch_size=2, threads=1, minutiae=True)))


@pytest.mark.parametrize("size", [None, 10**16, 2**62])
def test_samples_that_no_shard_can_hold_cost_no_memory(packed_copy: Path, size: int | None) -> None:
    found = pq.read_table(packed_copy / "shards.parquet").to_pylist()
    rows = [row | {"samples": 10**12, "size": size or row["size"]} for row in found]
    write_table(DatasetFolder(packed_copy), "shards.parquet", SHARDS, [pa.Table.from_pylist(rows, SHARDS)])

    with pytest.raises(Damaged):
        next(iter(StreamingDataset(packed_copy, batch_size=2, threads=1)))


def reforged(folder: Path, **changed: dict[str, object]) -> None:
    """A manifest that says something else, with a digest that fits."""
    manifest = read_manifest(folder)
    fields = {name: {**getattr(manifest, name), **values} for name, values in changed.items()}
    (folder / "manifest.json").write_bytes(manifest_bytes(replace(manifest, **fields)))  # type: ignore[arg-type]  # that is the point
