"""The minutiae beside an image, brought to where pack and stream have brought its pixels."""

from dataclasses import dataclass, field

import numpy as np
import torch

from shardkit.errors import BadInput
from shardkit.format.tar import BLOCK
from shardkit.image.extensions import MINUTIAE
from shardkit.image.geometry import Fit, Geometry
from shardkit.image.headers import PIXELS, described
from shardkit.image.mnt import NONE, from_mnt, moved
from shardkit.image.mnt import Minutiae as Points
from shardkit.image.room import ThreadRoom
from shardkit.stream.batch import Minutiae
from shardkit.stream.columns import Figure, Mapped
from shardkit.stream.files import OpenShard, OpenShards
from shardkit.stream.kinds import Kind, Kinds
from shardkit.stream.lookup import Found
from shardkit.stream.reading import Member, read_member, refused


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

    def read(self, found: Found, line: int) -> Points:
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


def padded(each: list[Points]) -> Minutiae:
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
