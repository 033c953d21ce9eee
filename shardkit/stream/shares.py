"""Which columns of a row are whose: each rank has as many as any other, and no unit is torn."""

from typing import NamedTuple

from shardkit.errors import UsageError


class Rank(NamedTuple):
    rank: int
    world_size: int


def columns_of(rank: Rank, global_batch: int, unit: int) -> range:
    step = unit * rank.world_size
    if global_batch % step:
        of = "" if unit == 1 else f" in units of {unit}"
        raise UsageError(
            f"A global batch of {global_batch:,}{of} cannot be shared evenly among {rank.world_size:,} ranks. "
            f"Choose a multiple of {step:,}, such as {max(1, round(global_batch / step)) * step:,}."
        )
    own = global_batch // rank.world_size
    return range(rank.rank * own, (rank.rank + 1) * own)
