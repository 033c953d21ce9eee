"""Guarantee 5: whatever a dataset holds, streaming it runs no code, starts no program and writes nothing."""

import os
import sys
from pathlib import Path

import pytest

from shardkit.errors import BadInput, ShardkitError
from shardkit.format.opened import open_dataset
from shardkit.image.kernels import prepare
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
    prepare()
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
