"""Minutiae of an image: parsed from `.mnt` sidecars, and mapped as pack and stream mapped its pixels.

    dialect 1    a name · `count height width` · `x y theta` per line
    dialect 2    `count` · `width height` · the same lines

x and y are pixels; theta is in radians, counter-clockwise from the x axis as seen.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np
import torch
from numpy.typing import NDArray

from shardkit.errors import BadInput
from shardkit.format.tar import BLOCK
from shardkit.image.arrays import ScratchBuffer
from shardkit.image.codec import ARRAY_EXTENSIONS, inspect_image
from shardkit.image.formats import MINUTIAE_EXTENSION
from shardkit.image.geometry import Fit, Geometry
from shardkit.stream.collate.batch import Minutiae
from shardkit.stream.read.members import MemberRef, read_member, undecodable_member
from shardkit.stream.read.sample_index import Field, ImageKind, ImageKindTable, IndexRows, MinutiaeField
from shardkit.stream.read.shard_files import ShardFiles, ShardHandle

MinutiaeArray = NDArray[np.float32]
"""x, y, theta a line."""

MAX_MINUTIAE = 1 << 16

NO_MINUTIAE: MinutiaeArray = np.empty((0, 3), np.float32)

_LONGEST = 1 << 22

_HEAD = 2


def parse_mnt(content: bytes | memoryview) -> MinutiaeArray:
    """The minutiae as they stand in the file; BadInput says which line cannot be meant."""
    if len(content) > _LONGEST:
        raise _refused(f"it has {len(content):,} bytes, more than {MAX_MINUTIAE:,} minutiae take")
    lines = bytes(content).split(b"\n", _HEAD)
    count = _count([_whole_numbers(line) for line in lines[:_HEAD]])
    words = lines[_HEAD].split() if len(lines) > _HEAD else []
    try:
        found = np.array(words, np.float64)
    except ValueError:
        raise _refused("behind its head stands something that is no number") from None
    if len(found) != 3 * count or not np.isfinite(found).all():
        raise _refused(f"its head says {count:,} minutiae, and {len(found):,} numbers follow instead of {3 * count:,}")
    return found.reshape(-1, 3).astype(np.float32)


def transform_minutiae(minutiae: MinutiaeArray, geometries: Iterable[Geometry]) -> MinutiaeArray:
    """Where minutiae go when their picture does; a direction goes where a short step along it goes."""
    points = minutiae[:, :2].astype(np.float64)
    theta = minutiae[:, 2].astype(np.float64)
    step = np.stack([np.cos(theta), -np.sin(theta)], axis=1)  # y counts downwards in a picture
    ahead = points + step
    for geometry in geometries:
        points, ahead = geometry.map_points(points), geometry.map_points(ahead)
    along = ahead - points
    turned = np.arctan2(-along[:, 1], along[:, 0]) % (2 * np.pi)
    return np.column_stack([points, turned]).astype(np.float32)


def _count(head: list[list[int]]) -> int:
    match head:
        case [_, [count, _, _]] | [[count], [_, _]]:
            if count <= MAX_MINUTIAE:
                return count
    raise _refused("neither a name and `count height width` (dialect 1) nor `count` and `width height` (dialect 2)")


def _whole_numbers(line: bytes) -> list[int]:
    words = line.split()
    return [int(word) for word in words] if all(word.isdigit() and len(word) <= 9 for word in words) else []  # noqa: PLR2004 - digits


def _refused(what: str) -> BadInput:
    return BadInput("bad-minutiae", f"the minutiae cannot be read: {what}.")


@dataclass(frozen=True)
class ResizeSpec:
    """How pictures were or are brought to a size, if at all."""

    size: int | None
    fit: Fit = "pad"


@dataclass(frozen=True)
class MinutiaeReader:
    """Minutiae of samples, in the pixels that are served. `packed` is None where images are stored as found."""

    shards: ShardFiles
    kinds: ImageKindTable
    packed: ResizeSpec | None
    served: ResizeSpec
    _room: ScratchBuffer = field(default_factory=ScratchBuffer, init=False)

    def read(self, found: IndexRows, line: int) -> MinutiaeArray:
        """Those of a sample; one without a `.mnt` has none."""
        assert found.minutiae is not None, "they were asked for"
        mapped = found.minutiae[line].tolist()
        if not mapped[MinutiaeField.SIZE]:
            return NO_MINUTIAE
        shard, figure = int(found.shards[line]), found.figures[line].tolist()
        key = found.keys[shard][figure[Field.KEY] : figure[Field.KEY_END]]
        digest = found.minutiae[line, MinutiaeField.DIGEST :].tobytes()
        member = _member(key, MINUTIAE_EXTENSION, mapped[MinutiaeField.OFFSET], mapped[MinutiaeField.SIZE], digest)
        opened = self.shards[shard]
        try:
            points = parse_mnt(self._content(opened, member, check=True))
            kind = self.kinds.met[figure[Field.KIND]]
            if self.packed is None and kind.ext not in ARRAY_EXTENSIONS:
                digest = found.figures[line, Field.DIGEST :].tobytes()
                image = _member(key, kind.ext, figure[Field.OFFSET], figure[Field.SIZE], digest)
                content = self._content(opened, image, check=False)  # it was checked when it was decoded
                return transform_minutiae(points, [self._as_found(kind, content)])
            original = mapped[MinutiaeField.ORIGINAL_WIDTH], mapped[MinutiaeField.ORIGINAL_HEIGHT]
            return transform_minutiae(points, self._as_prepared(original, kind))
        except BadInput as bad:
            raise undecodable_member(opened, member, bad) from None

    def _content(self, shard: ShardHandle, member: MemberRef, *, check: bool) -> memoryview:
        return read_member(shard, member, self._room.at_least(BLOCK + member.size), check=check)

    def _as_found(self, kind: ImageKind, content: memoryview) -> Geometry:
        """Only the image itself has its orientation, which turns its points as it turns its pixels."""
        image = inspect_image(kind.ext, content, checksums=False)
        return Geometry(image.width, image.height, image.orientation, self.served.size, self.served.fit)

    def _as_prepared(self, original: tuple[int, int], kind: ImageKind) -> tuple[Geometry, Geometry]:
        """Packing skips turned images with minutiae. Older versions did not, and did not record the orientation."""
        packed = self.packed or ResizeSpec(None)
        if packed.size is None and original != (kind.width, kind.height):
            raise BadInput(
                "turned-minutiae",
                "EXIF turned the image when it was packed, and the dataset does not say which way, so its minutiae "
                "cannot follow. Pack it again, or stream without minutiae=True.",
            )
        return _geometry(*original, packed), _geometry(kind.width, kind.height, self.served)


def pad_minutiae(each: list[MinutiaeArray]) -> Minutiae:
    """As tensors: as many rows for all as the richest sample has."""
    counts = [len(points) for points in each]
    whole = np.zeros((len(each), max(counts, default=0), 3), np.float32)
    for line, points in enumerate(each):
        whole[line, : len(points)] = points
    return Minutiae(torch.from_numpy(whole), torch.tensor(counts))


def _member(key: bytes, extension: str, offset: int, size: int, digest: bytes) -> MemberRef:
    return MemberRef(key + f".{extension}".encode(), offset, size, digest)


def _geometry(width: int, height: int, resized: ResizeSpec) -> Geometry:
    return Geometry(width, height, 1, resized.size, resized.fit)
