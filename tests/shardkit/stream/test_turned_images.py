"""Images that EXIF turns: the index has their upright sides, and their points go where their pixels go."""

import io
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from PIL import Image
from torch.utils.data import DataLoader

import shardkit
from shardkit.cli.commands.cat import cat
from shardkit.cli.commands.unpack import unpack
from shardkit.errors import BadInput
from shardkit.image.codec import decode
from shardkit.image.geometry import Geometry
from shardkit.image.png.structure import PngInfo
from shardkit.stream.dataset import StreamingDataset
from shardkit.verify.verifier import Level
from tests.packed import packed
from tests.pictures import chunk, exif, pixels, png
from tests.shardkit.stream.prints import adopted
from tests.shardkit.verify.small import Small
from tests.trees import planted, skips

if TYPE_CHECKING:
    from shardkit.image.arrays import Pixels

ROWS, COLUMNS = 13, 11
POINTS = ((0.0, 0.0), (3.0, 5.0), (10.0, 12.0))
MNT = b"finger\n3 13 11\n" + b"".join(b"%g %g 0.5\n" % point for point in POINTS)
BY_PILLOW: dict[str, dict[str, Any]] = {
    "jpg": {"format": "JPEG", "quality": 100},
    "webp": {"format": "WEBP", "lossless": True},
    "tif": {"format": "TIFF"},
    "tiff": {"format": "TIFF", "big_tiff": True},
}


def image(ending: str, orientation: int) -> bytes:
    if ending == "png":
        return png(orientation=orientation)
    field = Image.Exif()
    field[0x0112] = orientation
    content = io.BytesIO()
    Image.fromarray(np.stack([pixels()] * 3, axis=2)).save(content, exif=field, **BY_PILLOW[ending])
    return content.getvalue()


def dataset(
    root: Path, ending: str = "png", orientation: int = 6, *, by_other: bool = False, **options: object
) -> Path:
    content, by_name = image(ending, orientation), dict[str, bytes]()
    for subject in ("s0", "s1", "s2"):
        by_name |= {f"{subject}/a.{ending}": content, f"{subject}/a.mnt": MNT}
    if by_other:
        return adopted(root / "packed", by_name)
    planted(root / "source", by_name)
    return packed(root, **options)


def served(folder: Path, count: int = 3, **options: Any) -> tuple[torch.Tensor, NDArray[np.float64]]:  # noqa: ANN401 - a stream's own
    """The images of a batch, and the points of its first sample."""
    [batch] = StreamingDataset(folder, batch_size=count, minutiae=True, **options)
    assert isinstance(batch.images, torch.Tensor)
    assert batch.minutiae is not None
    return batch.images, batch.minutiae.points[0, :, :2].numpy().astype(np.float64)


def mapped(geometry: Geometry) -> NDArray[np.float64]:
    return geometry.map_points(np.array(POINTS))


KINDS = [("png", False), *((ending, True) for ending in ("png", *BY_PILLOW))]


@pytest.mark.parametrize("orientation", [3, 6])
@pytest.mark.parametrize(("ending", "by_other"), KINDS)
def test_turned_images_are_served_without_a_size(
    tmp_path: Path, ending: str, orientation: int, *, by_other: bool
) -> None:
    folder = dataset(tmp_path, ending, orientation, by_other=by_other)
    upright = cast("Pixels", decode(ending, image(ending, orientation)))

    for options in ({}, {"as_list": True}, {"size": 16}):
        stream = StreamingDataset(folder, batch_size=3, **options)
        [batch] = DataLoader(stream, batch_size=None) if options else stream
        for found in batch.images:
            geometry = Geometry(upright.shape[1], upright.shape[0], 1, options.get("size"))
            expected = geometry.apply(upright)
            assert np.array_equal(found.movedim(0, -1).squeeze(-1).numpy(), expected)
    sample = shardkit.open(folder)["train"].sample("s0/a")
    assert (sample.width, sample.height) == upright.shape[1::-1]
    assert (sample.original_width, sample.original_height) == (COLUMNS, ROWS)


@pytest.mark.parametrize("by_other", [False, True])
def test_other_commands_take_turned_images(
    tmp_path: Path, capfdbinary: pytest.CaptureFixture[bytes], *, by_other: bool
) -> None:
    folder = dataset(tmp_path, by_other=by_other)

    assert Small(tmp_path / "source", folder).findings(Level.DECODE) == ()
    capfdbinary.readouterr()
    cat.main([str(folder), "s1/a"], standalone_mode=False)
    assert capfdbinary.readouterr().out == image("png", 6)
    assert not unpack.main([str(folder), str(tmp_path / "out")], standalone_mode=False)
    assert (tmp_path / "out" / "s1" / "a.png").read_bytes() == image("png", 6)


@pytest.fixture
def old(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Small:
    """A dataset of an older version, whose index has the stored sides."""
    with monkeypatch.context() as older:
        older.setattr(PngInfo, "upright", property(lambda info: (info.width, info.height)))
        return Small(tmp_path / "source", dataset(tmp_path))


def test_a_dataset_with_stored_sides_is_verified_and_repaired(old: Small) -> None:
    assert old.findings(Level.DECODE) == ()
    before = old.files
    (old.folder / "index" / "train-00000.parquet").unlink()
    assert old.repaired(old.source).report.findings == ()
    assert old.files == before


def test_a_dataset_with_stored_sides_is_never_served_wrongly(old: Small) -> None:
    with pytest.raises(BadInput, match=r"expects 13 x 11 of uint8, and decoding gives 11 x 13 .* EXIF .* size="):
        list(StreamingDataset(old.folder, batch_size=3))
    images, points = served(old.folder, size=13)
    geometry = Geometry(COLUMNS, ROWS, 6, 13)
    assert np.array_equal(images[0, 0].numpy(), geometry.apply(pixels()))
    assert np.allclose(points, mapped(geometry), atol=1e-4)


@pytest.mark.parametrize("size", [None, 20])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_points_go_where_pixels_go(tmp_path: Path, orientation: int, size: int | None) -> None:
    images, points = served(dataset(tmp_path, orientation=orientation), size=size)

    assert np.allclose(points, mapped(Geometry(COLUMNS, ROWS, orientation, size)), atol=1e-4)
    if size is None:  # then the pixel below a point is that of the source
        values = [images[0, 0, round(y), round(x)] for x, y in points.tolist()]
        assert values == [pixels()[int(y), int(x)] for x, y in POINTS]


@pytest.mark.parametrize("ending", BY_PILLOW)
def test_points_of_adopted_images_go_where_pixels_go(tmp_path: Path, ending: str) -> None:
    _, points = served(dataset(tmp_path, ending, by_other=True))

    assert np.allclose(points, mapped(Geometry(COLUMNS, ROWS, 6)), atol=1e-4)


@pytest.mark.parametrize("options", [{"codec": "zstd"}, {"size": 16}, {"color": "rgb"}], ids=str)
def test_minutiae_that_packing_would_part_from_their_image_are_skipped(tmp_path: Path, options: dict[str, Any]) -> None:
    planted(tmp_path / "source", {"s3/a.png": png(orientation=6), "s4/a.png": png(), "s4/a.mnt": MNT})
    folder = dataset(tmp_path, **options)

    assert skips(folder) == {f"s{number}/a.png": "turned-minutiae" for number in range(3)}
    assert [*shardkit.open(folder)["train"]] == ["s3/a", "s4/a"]


def test_exif_is_found_behind_the_pixels(tmp_path: Path) -> None:
    plain = png()
    late = plain[:-12] + chunk(b"eXIf", exif(6)) + plain[-12:]
    planted(tmp_path / "source", {"s0/a.png": late, "s0/a.mnt": MNT})
    images, points = served(packed(tmp_path), 1)

    assert images.shape[2:] == (COLUMNS, ROWS)
    assert np.allclose(points, mapped(Geometry(COLUMNS, ROWS, 6)), atol=1e-4)
