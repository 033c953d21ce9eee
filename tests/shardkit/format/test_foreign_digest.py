"""Payloads and other bytes tile a tar: so digests of both cover every byte."""

import io
from dataclasses import dataclass
from itertools import accumulate, pairwise

import pytest
from blake3 import blake3
from hypothesis import given
from hypothesis import strategies as st
from xxhash import xxh3_128_digest

from shardkit.errors import Damaged
from shardkit.format.foreign_digest import AdoptedTarHasher, other_ranges
from shardkit.format.foreign_tar import ForeignMember

CONTENT = bytes(number % 251 for number in range(3_000_000))


def test_every_range_has_the_digest_of_its_bytes() -> None:
    image, sidecar = ForeignMember(b"a.png", 0, 1_000, 2_500_000), ForeignMember(b"a.json", 0, 10, 90)
    digest = AdoptedTarHasher(io.BytesIO(CONTENT), len(CONTENT))

    first = digest.sample([image, sidecar])
    second = digest.sample([ForeignMember(b"b.png", 0, 2_600_000, 0)])
    other, whole = digest.end()

    assert first.payloads == (xxh3_128_digest(CONTENT[1_000:2_501_000]), xxh3_128_digest(CONTENT[10:100]))
    assert first.other == xxh3_128_digest(CONTENT[:10] + CONTENT[100:1_000])
    assert (second.payloads, second.other) == ((xxh3_128_digest(b""),), xxh3_128_digest(CONTENT[2_501_000:2_600_000]))
    assert other == xxh3_128_digest(CONTENT[2_600_000:])
    assert whole == blake3(CONTENT).hexdigest()


def test_a_tar_that_became_shorter_has_other_digests_and_no_endless_loop() -> None:
    digest = AdoptedTarHasher(io.BytesIO(CONTENT[:500]), 1_000)

    assert digest.sample([ForeignMember(b"a", 0, 600, 100)]).payloads == (xxh3_128_digest(b""),)
    assert digest.end() == (xxh3_128_digest(b""), blake3(CONTENT[:500]).hexdigest())


@dataclass(frozen=True)
class Part:
    offset: int
    size: int


Samples = list[list[Part]]


@st.composite
def tars(draw: st.DrawFn) -> tuple[Samples, int]:
    """Samples whose payloads lie anywhere behind one another, in any order inside a sample; and the tar's size."""
    counts = draw(st.lists(st.integers(1, 4), max_size=5))
    lengths = st.tuples(st.integers(0, 5), st.integers(0, 5))
    steps = draw(st.lists(lengths, min_size=sum(counts), max_size=sum(counts)))
    ends = list(accumulate((gap + size for gap, size in steps), initial=0))
    parts = [Part(end - size, size) for end, (_, size) in zip(ends[1:], steps, strict=True)]
    bounds = pairwise(accumulate(counts, initial=0))
    samples = [list(draw(st.permutations(parts[first:last]))) for first, last in bounds]
    return samples, ends[-1] + draw(st.integers(0, 5))


@given(tars())
def test_payloads_and_others_tile_the_tar_exactly(drawn: tuple[Samples, int]) -> None:
    samples, size = drawn

    others = list(other_ranges(samples, size))

    payloads = [(each.offset, each.offset + each.size) for sample in samples for each in sample if each.size]
    tiles = sorted([*payloads, *(each for ranges in others for each in ranges)])
    assert all(start < stop for start, stop in tiles)
    assert [0, *(stop for _, stop in tiles)] == [*(start for start, _ in tiles), size]


@given(tars())
def test_a_sample_has_what_lies_behind_the_sample_before_it(drawn: tuple[Samples, int]) -> None:
    samples, size = drawn

    *others, rest = other_ranges(samples, size)

    ends = [max(each.offset + each.size for each in sample) for sample in samples]
    for ranges, start, end in zip(others, [0, *ends], ends, strict=False):
        assert all(start <= first < last <= end for first, last in ranges)
    assert rest == (((ends or [0])[-1], size),) * (size > (ends or [0])[-1])


@pytest.mark.parametrize(
    "samples",
    [
        [[Part(0, 5), Part(4, 2)]],
        [[Part(4, 2)], [Part(0, 2)]],
        [[Part(8, 3)]],
        [[Part(-1, 3)]],
        [[Part(3, -1)]],
    ],
)
def test_an_index_that_makes_no_sense_is_damage(samples: Samples) -> None:
    with pytest.raises(Damaged, match="the index places a member"):
        list(other_ranges(samples, 10))
