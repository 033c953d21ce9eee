"""What docs/order.md says is enough to work out every row: its program is run, and says the same as ours."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shardkit.errors import UsageError
from shardkit.stream.order.epoch import build_order
from shardkit.stream.order.options import OrderOptions, SplitCatalog
from shardkit.stream.order.rng import permutation
from shardkit.stream.order.subjects import draw_subset
from tests.shardkit.stream.epochs import table

ROOT = Path(__file__).parents[1]
Program = dict[str, Callable[..., Any]]


@pytest.fixture(scope="module")
def program() -> Program:
    code = re.findall(r"```python\n(.*?)```", (ROOT / "docs/order.md").read_text(), re.DOTALL)[-1]
    names: Program = {}
    exec(code, names)  # noqa: S102 - our own document
    return names


@st.composite
def catalogs(draw: st.DrawFn) -> SplitCatalog:
    """Subjects and groups that lie as a pack leaves them, or all over the place as after many appends."""
    sizes = draw(st.lists(st.integers(1, 25), min_size=1, max_size=15))
    groups = np.sort(draw(st.lists(st.integers(0, 6), min_size=len(sizes), max_size=len(sizes))))
    subjects = np.repeat(np.arange(len(sizes)), sizes)
    if draw(st.booleans()):
        subjects, groups = subjects[permutation(len(subjects), 8)], groups[permutation(len(groups), 9)]
    cuts = sorted(draw(st.lists(st.integers(0, len(subjects)), max_size=4)))
    return SplitCatalog(np.diff([0, *cuts, len(subjects)]), subjects, groups)


ORDERINGS = st.builds(
    OrderOptions,
    global_batch=st.integers(1, 20).map(lambda half: 2 * half),
    seed=st.integers(-3, 3),
    tail=st.sampled_from(["drop", "wrap", "mask"]),
    block_rows=st.integers(1, 9),
)


def ours(catalog: SplitCatalog, ordering: OrderOptions, epoch: int) -> list[list[int]] | None:
    try:
        rows: list[list[int]] = table(build_order(catalog, ordering), epoch).tolist()
    except UsageError:
        return None
    return rows


def theirs(program: Program, catalog: SplitCatalog, ordering: OrderOptions, epoch: int) -> list[list[int]]:
    assert catalog.subjects is not None
    assert catalog.groups is not None
    shards, subjects, groups = catalog.shards.tolist(), catalog.subjects.tolist(), catalog.groups.tolist()
    batch, tail, drawn = ordering.global_batch, ordering.tail, (ordering.block_rows, ordering.seed, epoch)
    rows: list[list[int]] = {
        "uniform": lambda: program["uniform"](shards, batch, tail, *drawn),
        "balanced": lambda: program["balanced"](shards, subjects, batch, tail, *drawn),
        "pk": lambda: program["impressions"](shards, subjects, batch, ordering.impressions_per_subject, *drawn),
        "pairs": lambda: program["pairs"](shards, subjects, groups, batch, tail, *drawn, ordering.mated, ordering.hard),
    }[ordering.sampler]()
    return rows


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"sampler": "balanced"},
        {"sampler": "pk", "impressions_per_subject": 2, "tail": "drop"},
        {"sampler": "pairs"},
        {"sampler": "pairs", "mated": 0.2, "hard": 1.0},
    ],
    ids=str,
)
@given(catalog=catalogs(), ordering=ORDERINGS, epoch=st.integers(0, 5))
@settings(max_examples=60, deadline=None)
def test_a_stranger_works_out_every_row(
    program: Program, options: dict[str, Any], catalog: SplitCatalog, ordering: OrderOptions, epoch: int
) -> None:
    ordering = OrderOptions(**{**vars(ordering), **options})
    rows = ours(catalog, ordering, epoch)

    assert rows is None or rows == theirs(program, catalog, ordering, epoch)


@pytest.mark.parametrize("sampler", ["uniform", "balanced", "pk", "pairs"])
def test_a_stranger_works_out_rows_of_more_than_one_window_and_lane(program: Program, sampler: str) -> None:
    sizes = [12, 7, 3, 1, 30] * 60
    catalog = SplitCatalog(np.full(60, 53), np.repeat(np.arange(300), sizes), np.arange(300) // 3)
    ordering = OrderOptions(134, sampler, block_rows=5, impressions_per_subject=2 if sampler == "pk" else None)

    assert ours(catalog, ordering, 4) == theirs(program, catalog, ordering, 4)


@given(catalog=catalogs(), size=st.integers(1, 60), seed=st.integers(-3, 3))
@settings(max_examples=60, deadline=None)
def test_a_stranger_finds_the_subset(program: Program, catalog: SplitCatalog, size: int, seed: int) -> None:
    assert catalog.subjects is not None

    assert program["subset"](catalog.subjects.tolist(), size, seed) == draw_subset(catalog, size, seed).tolist()
