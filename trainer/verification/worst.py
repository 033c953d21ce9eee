"""The pairs that a network is most wrong about: mated ones that score lowest, non-mated ones that score highest.

Tile by tile the few worst so far are kept, and those of all ranks are put together. A pair is one integer, its score
before the numbers of its two samples: so the order has no ties, and is the same whoever looked at which tile.
"""

from dataclasses import dataclass

import torch

from trainer.errors import UsageError
from trainer.verification.counting import once, places_of
from trainer.verification.groups import Grouped, grouped
from trainer.verification.rounding import LIMIT, SCALE, exact_products, integers
from trainer.verification.share import ALONE, Share
from trainer.verification.tiles import Tile, tiles

MOST = 1 << 19
"""Samples: two numbers of 19 bits and a score of 25 make an integer of 63."""
_BITS = 38
_NONE = (1 << 63) - 1


@dataclass(frozen=True)
class Pair:
    score: int
    one: int
    """Which of the embeddings; the lesser number."""
    other: int

    @property
    def cosine(self) -> float:
        return self.score / SCALE**2


@dataclass(frozen=True)
class Worst:
    mated: tuple[Pair, ...]
    """The lowest score first."""
    non_mated: tuple[Pair, ...]
    """The highest score first."""


def worst(embeddings: torch.Tensor, labels: torch.Tensor, count: int, share: Share = ALONE) -> Worst:
    """So many of each kind, or all where there are fewer. Every rank has all embeddings."""
    if len(labels) > MOST:
        raise UsageError(
            f"{len(labels):,} samples are too many to look for the worst pairs of, {MOST:,} are not. Name another "
            "split, or pack one that is smaller."
        )
    with exact_products(embeddings.device):
        samples = grouped(integers(embeddings), labels.to(embeddings.device))
        mated = torch.full((count,), _NONE, device=embeddings.device)
        non_mated = mated.clone()
        for tile in tiles(samples.bounds, share):
            mated, non_mated = _with_those_of(tile, samples, mated, non_mated)
    mated, non_mated = share.gathered(mated), share.gathered(non_mated)
    return Worst(
        tuple(Pair(place - LIMIT, *pair) for place, *pair in _unpacked(mated, count)),
        tuple(Pair(LIMIT - place, *pair) for place, *pair in _unpacked(non_mated, count)),
    )


def _with_those_of(
    tile: Tile, samples: Grouped, mated: torch.Tensor, non_mated: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor]:
    places = places_of(samples.vectors[tile.rows], samples.vectors[tile.columns])
    same = samples.labels[tile.rows, None] == samples.labels[None, tile.columns]
    counted = once(tile.rows, tile.columns, places.device)
    numbers = samples.order[tile.rows], samples.order[tile.columns]
    return _kept(mated, places, same & counted, numbers), _kept(non_mated, 2 * LIMIT - places, ~same & counted, numbers)


def _kept(
    least: torch.Tensor, places: torch.Tensor, counted: torch.Tensor, numbers: tuple[torch.Tensor, torch.Tensor]
) -> torch.Tensor:
    """As many as before, with those of this tile that are less."""
    row, column = (counted & (places <= least.max() >> _BITS)).nonzero(as_tuple=True)
    one, other = numbers[0][row], numbers[1][column]
    packed = (places[row, column].long() << _BITS) + torch.minimum(one, other) * MOST + torch.maximum(one, other)
    return torch.cat([least, packed]).topk(len(least), largest=False).values


def _unpacked(packed: torch.Tensor, count: int) -> list[tuple[int, int, int]]:
    whole = sorted(each for each in packed.tolist() if each != _NONE)[:count]
    return [(each >> _BITS, each % (1 << _BITS) // MOST, each % MOST) for each in whole]
