"""Members in columns, and whether they cover a tar byte for byte."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shardkit.format.row_checks import has_missing_values
from shardkit.format.tables import INDEX, rows_to_table
from shardkit.format.tar import BLOCK, END_BLOCKS, padded_size
from shardkit.schema import Member, Sample
from shardkit.verify.member_table import end_offset, find_gap, member_table

Sizes = list[list[int]]


def laid_out(sizes: Sizes) -> tuple[list[Sample], int]:
    """Samples of members of these sizes, one after the other, and the size of their tar."""
    position, samples = 0, list[Sample]()
    for number, of_sample in enumerate(sizes):
        members = []
        for each, size in enumerate(of_sample):
            members.append(Member(f"e{each}", position + BLOCK, size, bytes(16)))
            position += BLOCK + padded_size(size)
        samples.append(_sample(number, members))
    return samples, position + len(END_BLOCKS)


def _sample(number: int, members: list[Member]) -> Sample:
    image, *sidecars = members
    who = {"key": f"s/{number}", "subject": "s", "impression": str(number), "group": "s", "source": b"x"}
    figures = dict.fromkeys(("label", "original_width", "original_height", "width", "height", "channels"), 1)
    return Sample(**who, **figures, bit_depth=8, image=image, sidecars=tuple(sidecars), generation=0)  # type: ignore[arg-type]


SIZES = st.lists(st.lists(st.integers(0, 2000), min_size=1, max_size=4), max_size=6)


@given(SIZES)
def test_members_come_in_the_order_of_the_tar(sizes: Sizes) -> None:
    samples, size = laid_out(sizes)
    columns = member_table(rows_to_table(samples, INDEX))

    assert columns.names == [f"{each.key}.{member.ext}" for each in samples for member in each.members]
    assert columns.sizes == [member.size for each in samples for member in each.members]
    assert [columns.key(number) for number in range(len(columns))] == [
        each.key for each in samples for _ in each.members
    ]
    assert find_gap(columns, size) is None
    assert end_offset(columns) == size - len(END_BLOCKS)
    assert not len(columns) or columns.samples(0, len(columns)) == len(samples)


@given(SIZES.filter(any), st.data())
def test_any_gap_or_overlap_is_seen(sizes: Sizes, data: st.DataObject) -> None:
    samples, size = laid_out(sizes)
    columns = member_table(rows_to_table(samples, INDEX))
    moved = data.draw(st.integers(0, len(columns) - 1))
    columns.starts[moved] += data.draw(st.integers(-1000, 1000).filter(bool))

    assert find_gap(columns, size) is not None
    assert find_gap(member_table(rows_to_table(samples, INDEX)), size + 512) is not None


@pytest.mark.parametrize("column", [name for name in INDEX.names if name != "other"])
def test_a_missing_value_is_noticed(column: str) -> None:
    rows = rows_to_table(laid_out([[3, 4], [5]])[0], INDEX)
    plain = rows.to_pylist()
    plain[0][column] = None

    assert not has_missing_values(rows)
    assert has_missing_values(rows.from_pylist(plain, INDEX))
