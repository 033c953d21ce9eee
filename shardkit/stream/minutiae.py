"""The minutiae beside an image, brought to where pack and stream have brought its pixels."""

from dataclasses import dataclass

import numpy as np
import torch

from shardkit.errors import BadInput
from shardkit.format.tar import BLOCK
from shardkit.image.geometry import Fit, Geometry
from shardkit.image.mnt import NONE, from_mnt, moved
from shardkit.image.mnt import Minutiae as Points
from shardkit.stream.batch import Minutiae
from shardkit.stream.columns import MINUTIAE, Figure, Mapped
from shardkit.stream.files import OpenShards
from shardkit.stream.kinds import Kinds
from shardkit.stream.lookup import Found
from shardkit.stream.reading import Member, read_member, refused


@dataclass(frozen=True)
class Resized:
    """How pictures were or are brought to a size, if at all."""

    size: int | None
    fit: Fit = "pad"


@dataclass(frozen=True)
class MinutiaeReader:
    shards: OpenShards
    kinds: Kinds
    packed: Resized
    served: Resized

    def read(self, found: Found, line: int) -> Points:
        """Those of a sample; one without a `.mnt` has none."""
        assert found.minutiae is not None, "they were asked for"
        mapped = found.minutiae[line].tolist()
        if not mapped[Mapped.SIZE]:
            return NONE
        shard, figure = int(found.shards[line]), found.figures[line].tolist()
        name = found.keys[shard][figure[Figure.KEY] : figure[Figure.KEY_END]] + f".{MINUTIAE}".encode()
        digest = found.minutiae[line, Mapped.DIGEST :].tobytes()
        member = Member(name, mapped[Mapped.OFFSET], mapped[Mapped.SIZE], digest)
        opened = self.shards[shard]
        content = read_member(opened, member, memoryview(bytearray(BLOCK + member.size)))
        try:
            points = from_mnt(content)
        except BadInput as bad:
            raise refused(opened, member, bad) from None
        kind = self.kinds.met[figure[Figure.KIND]]
        return moved(
            points,
            (
                _geometry(mapped[Mapped.ORIGINAL_WIDTH], mapped[Mapped.ORIGINAL_HEIGHT], self.packed),
                _geometry(kind.width, kind.height, self.served),
            ),
        )


def padded(each: list[Points]) -> Minutiae:
    """As tensors: as many rows for all as the richest sample has."""
    counts = [len(points) for points in each]
    whole = np.zeros((len(each), max(counts, default=0), 3), np.float32)
    for line, points in enumerate(each):
        whole[line, : len(points)] = points
    return Minutiae(torch.from_numpy(whole), torch.tensor(counts))


def _geometry(width: int, height: int, resized: Resized) -> Geometry:
    return Geometry(width, height, 1, resized.size, resized.fit)
