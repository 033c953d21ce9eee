"""What a scan could have found, for the tests of what is made of it."""

from collections.abc import Iterable, Mapping

import pyarrow as pa
from hypothesis import strategies as st

from shardkit.pack.plan.sharding import PriorState, TreePlan, assign_shards
from shardkit.pack.plan.split import Thresholds
from shardkit.pack.source.candidates import Candidate, Sidecar, candidate_chunk, candidate_table

ALONE = Thresholds(("train",), ())

names = st.text("abcdefgh", min_size=1, max_size=3)


@st.composite
def founds(draw: st.DrawFn, subjects: int = 12) -> list[Candidate]:
    keys = draw(st.lists(st.tuples(names, names), min_size=1, max_size=4 * subjects, unique=True))
    return [image(*key, size=draw(st.integers(1, 40)), sidecars=draw(st.integers(0, 2))) for key in keys]


def image(subject: str, impression: str, *, size: int = 10, sidecars: int = 0) -> Candidate:
    source = f"{subject}/{impression}.png".encode()
    return Candidate(subject, impression, source, size, 0, tuple(Sidecar(f"x{each}", 3, 0) for each in range(sidecars)))


def table_of(rows: Iterable[Candidate], a_chunk: int) -> dict[str, pa.ChunkedArray]:
    rows = list(rows)
    table = candidate_table([candidate_chunk(rows[at : at + a_chunk]) for at in range(0, len(rows), a_chunk)])
    return dict(zip(table.column_names, table.columns, strict=True))


def plan_of(
    rows: Iterable[Candidate],
    shard_size: int = 100,
    groups: Mapping[str, str] | None = None,
    *,
    thresholds: Thresholds = ALONE,
    before: PriorState | None = None,
    a_chunk: int = 5,
) -> TreePlan:
    groups = groups or {}

    def split_of(subject: str) -> str:
        return thresholds.split_of(groups.get(subject, subject))

    return assign_shards(table_of(rows, a_chunk), groups, split_of, shard_size, before)


def bytes_of(found: Candidate) -> int:
    return found.size + sum(sidecar.size for sidecar in found.sidecars)
