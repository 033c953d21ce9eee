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
from shardkit.image.arrays import ThreadRoom
from shardkit.image.codec import PIXELS, described
from shardkit.image.formats import MINUTIAE
from shardkit.image.geometry import Fit, Geometry
from shardkit.stream.collate.batch import Minutiae
from shardkit.stream.read.members import Member, read_member, refused
from shardkit.stream.read.sample_index import Figure, Found, Kind, Kinds, Mapped
from shardkit.stream.read.shard_files import OpenShard, OpenShards

MinutiaeArray = NDArray[np.float32]
"""x, y, theta a line."""

MOST = 1 << 16

NONE: MinutiaeArray = np.empty((0, 3), np.float32)

_LONGEST = 1 << 22

_HEAD = 2


def from_mnt(content: bytes | memoryview) -> MinutiaeArray:
    """The minutiae as they stand in the file; BadInput says which line cannot be meant."""
    if len(content) > _LONGEST:
        raise _refused(f"it has {len(content):,} bytes, more than {MOST:,} minutiae take")
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


def moved(minutiae: MinutiaeArray, geometries: Iterable[Geometry]) -> MinutiaeArray:
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
            if count <= MOST:
                return count
    raise _refused("neither a name and `count height width` (dialect 1) nor `count` and `width height` (dialect 2)")


def _whole_numbers(line: bytes) -> list[int]:
    words = line.split()
    return [int(word) for word in words] if all(word.isdigit() and len(word) <= 9 for word in words) else []  # noqa: PLR2004 - digits


def _refused(what: str) -> BadInput:
    return BadInput("bad-minutiae", f"the minutiae cannot be read: {what}.")


@dataclass(frozen=True)
class Resized:
    """How pictures were or are brought to a size, if at all."""

    size: int | None
    fit: Fit = "pad"


@dataclass(frozen=True)
class MinutiaeReader:
    """Minutiae of samples, in the pixels that are served. `packed` is None where images are stored as found."""

    shards: OpenShards
    kinds: Kinds
    packed: Resized | None
    served: Resized
    _room: ThreadRoom = field(default_factory=ThreadRoom, init=False)

    def read(self, found: Found, line: int) -> MinutiaeArray:
        """Those of a sample; one without a `.mnt` has none."""
        assert found.minutiae is not None, "they were asked for"
        mapped = found.minutiae[line].tolist()
        if not mapped[Mapped.SIZE]:
            return NONE
        shard, figure = int(found.shards[line]), found.figures[line].tolist()
        key = found.keys[shard][figure[Figure.KEY] : figure[Figure.KEY_END]]
        digest = found.minutiae[line, Mapped.DIGEST :].tobytes()
        member = _member(key, MINUTIAE, mapped[Mapped.OFFSET], mapped[Mapped.SIZE], digest)
        opened = self.shards[shard]
        try:
            points = from_mnt(self._content(opened, member, check=True))
            kind = self.kinds.met[figure[Figure.KIND]]
            if self.packed is None and kind.ext not in PIXELS:
                digest = found.figures[line, Figure.DIGEST :].tobytes()
                image = _member(key, kind.ext, figure[Figure.OFFSET], figure[Figure.SIZE], digest)
                content = self._content(opened, image, check=False)  # it was checked when it was decoded
                return moved(points, [self._as_found(kind, content)])
            original = mapped[Mapped.ORIGINAL_WIDTH], mapped[Mapped.ORIGINAL_HEIGHT]
            return moved(points, self._as_prepared(original, kind))
        except BadInput as bad:
            raise refused(opened, member, bad) from None

    def _content(self, shard: OpenShard, member: Member, *, check: bool) -> memoryview:
        return read_member(shard, member, self._room.at_least(BLOCK + member.size), check=check)

    def _as_found(self, kind: Kind, content: memoryview) -> Geometry:
        """Only the image itself has its orientation, which turns its points as it turns its pixels."""
        image = described(kind.ext, content, checksums=False)
        return Geometry(image.width, image.height, image.orientation, self.served.size, self.served.fit)

    def _as_prepared(self, original: tuple[int, int], kind: Kind) -> tuple[Geometry, Geometry]:
        """Packing skips turned images with minutiae. Older versions did not, and did not record the orientation."""
        packed = self.packed or Resized(None)
        if packed.size is None and original != (kind.width, kind.height):
            raise BadInput(
                "turned-minutiae",
                "EXIF turned the image when it was packed, and the dataset does not say which way, so its minutiae "
                "cannot follow. Pack it again, or stream without minutiae=True.",
            )
        return _geometry(*original, packed), _geometry(kind.width, kind.height, self.served)


def padded(each: list[MinutiaeArray]) -> Minutiae:
    """As tensors: as many rows for all as the richest sample has."""
    counts = [len(points) for points in each]
    whole = np.zeros((len(each), max(counts, default=0), 3), np.float32)
    for line, points in enumerate(each):
        whole[line, : len(points)] = points
    return Minutiae(torch.from_numpy(whole), torch.tensor(counts))


def _member(key: bytes, extension: str, offset: int, size: int, digest: bytes) -> Member:
    return Member(key + f".{extension}".encode(), offset, size, digest)


def _geometry(width: int, height: int, resized: Resized) -> Geometry:
    return Geometry(width, height, 1, resized.size, resized.fit)
