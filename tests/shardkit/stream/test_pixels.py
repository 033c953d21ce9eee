"""What a batch shows is what was packed, whatever the codec: every kind of PNG, in any colour and size."""

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from shardkit.errors import UsageError
from shardkit.image.codec import decode
from shardkit.image.color import convert
from shardkit.image.geometry import Geometry
from shardkit.stream.collate.batch import Batch
from shardkit.stream.dataset import StreamingDataset
from tests.packed import packed
from tests.pictures import KINDS, Array, pixels, png
from tests.shardkit.stream.prints import adopted
from tests.trees import planted

CODECS = ("png", "zstd", "lz4", "raw")
SHAPE = (13, 11)
ALIKE = (
    "gray8",
    "rgb8",
    "gray16",
    "rgb16",
    "gray-alpha8",
    "rgb-alpha8",
    "rgb-alpha16",
    "palette4",
    "palette8-transparent",
)


def packed_kinds(root: Path, kinds: list[str], shapes: list[tuple[int, int]], **options: object) -> Path:
    names = {f"s{number:02}/a.png": each for number, each in enumerate(zip(kinds, shapes, strict=True))}
    planted(root / "source", {name: png(kind, shape, seed=7) for name, (kind, shape) in names.items()})
    return packed(root, **options)


def batch_of(folder: Path, count: int, **options: Any) -> Batch:  # noqa: ANN401 - a stream's own
    """All samples, in the order of their names."""
    [batch] = StreamingDataset(folder, batch_size=count, shuffle=False, **options)
    return batch


def channels_first(image: Array) -> "torch.Tensor":
    return torch.from_numpy(np.ascontiguousarray(image[None] if image.ndim == 2 else np.moveaxis(image, -1, 0)))


@pytest.mark.parametrize("codec", CODECS)
@pytest.mark.parametrize("kind", ALIKE)
def test_every_codec_serves_what_was_packed(tmp_path: Path, codec: str, kind: str) -> None:
    folder = packed_kinds(tmp_path, [kind] * 3, [SHAPE] * 3, codec=codec)
    expected = channels_first(pixels(kind, SHAPE, seed=7))

    for batch in (batch_of(folder, 3), batch_of(folder, 3, threads=3, check=False)):
        assert isinstance(batch.images, torch.Tensor)
        assert batch.images.dtype == expected.dtype
        assert batch.images.equal(torch.stack([expected] * 3))


@pytest.fixture(scope="module")
def all_kinds(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return packed_kinds(tmp_path_factory.mktemp("kinds"), [*KINDS], [SHAPE] * len(KINDS))


@pytest.mark.parametrize("color", ["gray", "rgb"])
@pytest.mark.parametrize(("size", "fit"), [(None, "pad"), (8, "pad"), (20, "crop"), (9, "stretch")])
def test_every_kind_comes_in_one_colour_and_size(all_kinds: Path, color: Any, size: int | None, fit: Any) -> None:  # noqa: ANN401 - of a few words
    batch = batch_of(all_kinds, len(KINDS), color=color, size=size, fit=fit, threads=2)
    geometry = Geometry(SHAPE[1], SHAPE[0], 1, size, fit)

    for image, kind in zip(batch.images, KINDS, strict=True):
        expected = geometry.apply(convert(pixels(kind, SHAPE, seed=7), color))
        assert image.equal(channels_first(expected)), kind


def test_kinds_that_differ_come_as_a_list(all_kinds: Path) -> None:
    batch = batch_of(all_kinds, len(KINDS), as_list=True)

    assert isinstance(batch.images, list)
    for image, kind in zip(batch.images, KINDS, strict=True):
        assert image.equal(channels_first(pixels(kind, SHAPE, seed=7))), kind


@pytest.mark.parametrize("codec", CODECS)
def test_sizes_that_differ_are_named_by_two_samples(tmp_path: Path, codec: str) -> None:
    shapes = [(13, 11), (13, 11), (9, 20)]
    folder = packed_kinds(tmp_path, ["gray8"] * 3, shapes, codec=codec)

    with pytest.raises(UsageError) as caught:
        batch_of(folder, 3)
    for part in ("s00/a is 13 x 11 of uint8", "s02/a is 9 x 20 of uint8", "size=", "as_list=True"):
        assert part in str(caught.value)
    assert [tuple(each.shape) for each in batch_of(folder, 3, as_list=True).images] == [(1, *shape) for shape in shapes]
    for size in (8, 13, 40):
        expected = [Geometry(shape[1], shape[0], 1, size).apply(pixels("gray8", shape, seed=7)) for shape in shapes]
        assert [*batch_of(folder, 3, size=size).images] == [*map(AsTensor, expected)]


class AsTensor:
    """Compares pixels, where a tensor would compare them one by one."""

    def __init__(self, image: Array) -> None:
        self._image = channels_first(image)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, torch.Tensor) and other.equal(self._image)

    def __hash__(self) -> int:
        return hash(self._image.shape)


def test_colours_that_differ_are_named_too(tmp_path: Path) -> None:
    folder = packed_kinds(tmp_path, ["gray8", "rgb8"], [SHAPE] * 2)

    with pytest.raises(UsageError, match=r"s00/a is 13 x 11 of uint8, s01/a is 13 x 11 x 3 of uint8.*color="):
        batch_of(folder, 2)


def test_a_slot_of_nobody_is_black_and_not_valid(all_kinds: Path) -> None:
    whole, tail = StreamingDataset(
        all_kinds, batch_size=len(KINDS) - 1, shuffle=False, tail="mask", color="rgb", size=8
    )

    assert whole.valid.all()
    assert tail.valid.sum() == 1
    assert isinstance(tail.images, torch.Tensor)
    assert not tail.images[~tail.valid].any()
    assert tail.images[tail.valid].any()
    assert tail.labels[~tail.valid].unique().tolist() == [-1]  # type: ignore[no-untyped-call]  # torch's own


def test_pictures_of_adopted_tars_are_served_as_they_lie(tmp_path: Path) -> None:
    content = {f"{number:03}/a.png": png("rgb8", SHAPE, seed=number) for number in range(5)}
    classes = {f"{number:03}/a.cls": b"%d" % (4 - number) for number in range(5)}
    folder = adopted(tmp_path / "tars", dict(sorted({**content, **classes}.items())))
    batch = batch_of(folder, 5)

    assert batch.labels.tolist() == [4, 3, 2, 1, 0]
    for number, image in enumerate(batch.images):
        assert image.equal(channels_first(pixels("rgb8", SHAPE, seed=number)))


def test_jpegs_of_adopted_tars_are_served(tmp_path: Path) -> None:
    jpegs = {f"{number:03}/a.jpg": jpeg(number) for number in range(3)}
    folder = adopted(tmp_path / "tars", jpegs)

    for image, content in zip(batch_of(folder, 3).images, jpegs.values(), strict=True):
        assert image.equal(channels_first(decode("jpg", memoryview(content))))  # type: ignore[arg-type]  # of 8 bits
    assert batch_of(folder, 3, color="gray", size=16).images[0].shape == (1, 16, 16)


def jpeg(seed: int) -> bytes:
    file = io.BytesIO()
    Image.fromarray(pixels("rgb8", (16, 24), seed=seed)).save(file, "JPEG", quality=90)
    return file.getvalue()


def test_what_is_no_choice_is_told_with_the_nearest(all_kinds: Path) -> None:
    for option, value, meant in (("color", "grey", "gray"), ("fit", "crops", "crop"), ("tail", "dorp", "drop")):
        with pytest.raises(UsageError, match=f"{option}='{value}' is none of .*Did you mean '{meant}'"):
            StreamingDataset(all_kinds, batch_size=4, **{option: value})  # type: ignore[arg-type]  # wrong on purpose
