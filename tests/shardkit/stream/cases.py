"""What FAULTS 20 varies, drawn together so that it can be meant: data, batch, sampler, tail, worlds and workers."""

from dataclasses import dataclass
from typing import Any

from hypothesis import strategies as st

NAMES = ("one shard", "alike", "uneven", "a crowd of one")
UNITS = {"uniform": 1, "balanced": 1, "pk": 2, "pairs": 2}


@dataclass(frozen=True)
class Case:
    prints: str
    options: dict[str, Any]
    epoch: int
    world: int
    workers: int
    other_world: int
    other_workers: int
    slices: int
    """Micro-batches of a rank's batch."""


@st.composite
def cases(draw: st.DrawFn) -> Case:
    sampler = draw(st.sampled_from(sorted(UNITS)))
    columns = draw(st.integers(1, 4 if sampler == "pk" else 8))
    world = draw(_divisors(columns))
    options: dict[str, Any] = {
        "global_batch": columns * UNITS[sampler],
        "sampler": sampler,
        "tail": "drop" if sampler == "pk" else draw(st.sampled_from(["drop", "wrap", "mask"])),
        "shuffle": sampler != "uniform" or draw(st.booleans()),
        "seed": draw(st.integers(0, 2**31)),
        "block_rows": draw(st.sampled_from([1, 2, 3, 512])),
    }
    if sampler == "pk":
        options["impressions_per_subject"] = UNITS["pk"]
    return Case(
        prints=draw(st.sampled_from(NAMES)),
        options=options,
        epoch=draw(st.integers(0, 3)),
        world=world,
        workers=draw(st.integers(0, 3)),
        other_world=draw(_divisors(columns)),
        other_workers=draw(st.integers(0, 3)),
        slices=draw(_divisors(columns // world)),
    )


def _divisors(number: int) -> st.SearchStrategy[int]:
    return st.sampled_from([each for each in range(1, number + 1) if number % each == 0])
