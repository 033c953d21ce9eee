"""Deflate unpacked by the kernel, against zlib: what it gives is right, and whatever it gets, it keeps to its room."""

import zlib
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from shardkit.image.formats import MAX_KERNEL_BYTES
from shardkit.image.png.kernels import inflate_memory, load_kernels

if not load_kernels():
    pytest.skip("there are no kernels here", allow_module_level=True)

from shardkit.image.png.huffman import (
    AT,
    BAD,
    DONE,
    END,
    LINES_SLACK,
    LOOK_AHEAD,
    PACKED_SLACK,
    SIZE,
    STATUS,
    new_stream,
)
from shardkit.image.png.inflate import inflate_pair, inflate_two

STRATEGIES = (zlib.Z_DEFAULT_STRATEGY, zlib.Z_FILTERED, zlib.Z_HUFFMAN_ONLY, zlib.Z_RLE, zlib.Z_FIXED)
GUARD = 0xA5


def noise(spread: float, size: int = 70_000, seed: int = 0) -> bytes:
    """What the differences of a print look like: bytes around 0, some rare enough for the longest codes."""
    return np.random.default_rng(seed).normal(0, spread, size).astype(np.int64).astype(np.uint8).tobytes()


CONTENTS = {
    "nothing": b"",
    "one byte": b"\7",
    "one value": bytes(50_000),
    "narrow noise": noise(3),
    "noise": noise(20),
    "any bytes": np.random.default_rng(1).bytes(70_000),
    "runs": b"".join(bytes([value]) * (value * 7 % 300) for value in range(256)),
    "near matches": b"ab" * 300 + b"abc" * 300 + noise(20, 5_000) * 3,
    "far matches": noise(20, 32_768) * 2,
    "rare bytes": b"".join(bytes([value]) * (1 << max(0, 16 - value)) for value in range(40)) + bytes(range(256)),
}


def packed(content: bytes, level: int = 6, strategy: int = zlib.Z_DEFAULT_STRATEGY, window: int = 15) -> bytes:
    work = zlib.compressobj(level, zlib.DEFLATED, window, 8, strategy)
    return work.compress(content) + work.flush()


def unpacked(*streams: bytes, sizes: list[int]) -> list[bytes | None]:
    return [None if each is None else each.tobytes() for each in inflate_pair([views(each) for each in streams], sizes)]


def views(stream: bytes, length: int = 8_192) -> list[memoryview]:
    return [memoryview(stream)[at : at + length] for at in range(0, len(stream), length)]


@pytest.mark.parametrize("strategy", STRATEGIES)
@pytest.mark.parametrize("level", range(10))
@pytest.mark.parametrize("name", CONTENTS)
def test_unpacks_what_zlib_packed(name: str, level: int, strategy: int) -> None:
    content, other = CONTENTS[name], CONTENTS["noise"]
    stream = packed(content, level, strategy)

    assert unpacked(stream, sizes=[len(content)]) == [content]
    assert unpacked(packed(other), stream, sizes=[len(other), len(content)]) == [other, content]


def test_lanes_of_large_pictures_are_given_back() -> None:
    def held(content: bytes) -> int:
        """What lies behind the bytes that are given."""
        (lines,) = inflate_pair([views(packed(content))], [len(content)])
        assert lines is not None
        assert lines.tobytes() == content
        assert isinstance(lines.base, np.ndarray)
        return lines.base.nbytes

    small, large = noise(20, 1 << 16), bytes(9 << 20)
    assert held(large) == len(large) + LINES_SLACK
    assert held(large[: 4 << 20]) == len(large) + LINES_SLACK  # for pictures that are not much smaller they stay
    assert held(small) == len(small) + LINES_SLACK
    assert held(small[:100]) == len(small) + LINES_SLACK


def test_pictures_that_are_larger_than_lanes_may_be_are_left_to_others() -> None:
    size = MAX_KERNEL_BYTES + 1
    assert inflate_pair([[memoryview(bytes(100))]], [size]) == [None]
    assert (inflate_memory(100, size), inflate_memory(100, MAX_KERNEL_BYTES)) == (0, 2 * (100 + MAX_KERNEL_BYTES))


@pytest.mark.parametrize("window", range(9, 16))
def test_windows_of_every_size(window: int) -> None:
    content = CONTENTS["far matches"]
    assert unpacked(packed(content, window=window), sizes=[len(content)]) == [content]


def test_blocks_of_all_kinds_in_one_stream() -> None:
    content = CONTENTS["near matches"]
    work = zlib.compressobj()
    parts = [work.compress(content[:3_000]), work.flush(zlib.Z_SYNC_FLUSH), work.flush(zlib.Z_FULL_FLUSH)]
    parts += [work.compress(content[3_000:]), work.flush(zlib.Z_PARTIAL_FLUSH), work.flush()]

    assert unpacked(b"".join(parts), sizes=[len(content)]) == [content]


@given(content=st.binary(max_size=2_000), level=st.integers(0, 9), strategy=st.sampled_from(STRATEGIES))
def test_unpacks_anything(content: bytes, level: int, strategy: int) -> None:
    assert unpacked(packed(content, level, strategy), sizes=[len(content)]) == [content]


@pytest.mark.parametrize("name", ["noise", "near matches", "one value"])
def test_what_is_not_whole_is_not_given(name: str) -> None:
    content = CONTENTS[name]
    stream = packed(content)
    size = len(content)
    for broken in (stream[:-1], stream[:-5], stream[: len(stream) // 2], stream + b"\0", b"", stream[:6], stream[2:]):
        assert unpacked(broken, sizes=[size]) == [None]
    assert unpacked(stream, stream, sizes=[size - 1, size + 1]) == [None, None]
    assert unpacked(stream, stream[:-1], sizes=[size, size]) == [content, None]


class Bits:
    """A stream of deflate, written bit by bit."""

    def __init__(self) -> None:
        self._value = self._count = 0

    def put(self, value: int, count: int) -> None:
        self._value |= value << self._count
        self._count += count

    def put_code(self, code: tuple[int, int]) -> None:
        value, count = code
        self.put(int(f"{value:0{count}b}"[::-1], 2), count)

    def content(self) -> bytes:
        return self._value.to_bytes(-(-self._count // 8), "little")


def huffman(lengths: dict[int, int]) -> dict[int, tuple[int, int]]:
    """The code of each symbol by the lengths of all."""
    code, before, made = 0, 0, {}
    for length, symbol in sorted((length, symbol) for symbol, length in lengths.items()):
        code <<= length - before
        made[symbol] = code, length
        code, before = code + 1, length
    return made


def of_own_codes(literals: dict[int, int], distances: dict[int, int], content: bytes, *, match: bool) -> bytes:
    """One block whose codes have these lengths: the bytes of the content, perhaps a match, and the end."""
    bits, sizes = Bits(), (max(literals) + 1, max(distances, default=0) + 1)
    bits.put(0b101, 3)
    bits.put(sizes[0] - 257, 5)
    bits.put(sizes[1] - 1, 5)
    bits.put(15, 4)
    for kind in (16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15):
        bits.put(4 if kind < 16 else 0, 3)
    for codes, size in zip((literals, distances), sizes, strict=True):
        for symbol in range(size):
            bits.put_code((codes.get(symbol, 0), 4))
    made = huffman(literals)
    for symbol in content:
        bits.put_code(made[symbol])
    if match:
        bits.put_code(made[257])
        bits.put_code(huffman(distances)[0])
        content += content[-1:] * 3
    bits.put_code(made[256])
    return b"\x78\x9c" + bits.content() + zlib.adler32(content).to_bytes(4, "big")


def complete(splits: list[int]) -> list[int]:
    """The lengths of a complete code: each split makes of one code two of the next length."""
    lengths = [1, 1]
    for split in splits:
        place = split % len(lengths)
        lengths[place : place + 1] = [lengths[place] + 1] * 2
    return lengths


COMPLETE = st.lists(st.integers(0, 100), max_size=8).map(complete)


@given(
    literal_lengths=COMPLETE | st.lists(st.integers(1, 15), min_size=2, max_size=6),
    distance_lengths=COMPLETE | st.lists(st.integers(1, 15), max_size=3),
    match=st.booleans(),
)
@example(literal_lengths=[1, 1], distance_lengths=[], match=False)
@example(literal_lengths=[1, 1], distance_lengths=[1], match=False)
@example(literal_lengths=[1, 1], distance_lengths=[2], match=False)
@example(literal_lengths=[1, 2, 2], distance_lengths=[1], match=True)
@example(literal_lengths=[1, 2, 2], distance_lengths=[9], match=True)
@example(literal_lengths=[1, 2, 2], distance_lengths=[15], match=True)
def test_takes_the_codes_that_zlib_takes(
    literal_lengths: list[int], distance_lengths: list[int], *, match: bool
) -> None:
    match = match and len(literal_lengths) > 2 and bool(distance_lengths)
    literals = dict(zip((65, 256, 257, 66, 67, 68, 69, 70, 71, 72), literal_lengths, strict=False))
    distances = dict(enumerate(distance_lengths))
    assume(all(sum(2.0**-length for length in each) <= 1 for each in (literal_lengths, distance_lengths)))
    stream = of_own_codes(literals, distances, b"AA", match=match)
    try:
        expected = zlib.decompress(stream)
    except zlib.error:
        expected = None

    assert unpacked(stream, sizes=[5 if match else 2]) == [expected]


@pytest.mark.parametrize("name", CONTENTS)
@given(at=st.integers(0, 100_000), value=st.integers(0, 255))
@example(at=0, value=0x77)
@example(at=1, value=0xBC)
def test_damage_is_found(name: str, at: int, value: int) -> None:
    content = CONTENTS[name][:4_000]
    stream = bytearray(packed(content))
    stream[at % len(stream)] = value

    (found,) = unpacked(bytes(stream), sizes=[len(content)])

    assert found is None or found == zlib.decompress(bytes(stream)) == content


def guarded(array: np.ndarray[Any, Any]) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    """Room of the same size, and what lies around it."""
    whole = np.full(array.size + 2_000, GUARD, np.uint8)
    whole[1_000 : 1_000 + array.size] = 0
    return whole[1_000 : 1_000 + array.size], whole


def check_that_it_keeps_to_its_room(stream: bytes, size: int) -> None:
    made = new_stream(len(stream), size)
    packed_room, around_packed = guarded(made.packed)
    lines, around_lines = guarded(made.lines)
    one = made._replace(packed=packed_room, lines=lines)
    one.packed[: len(stream)] = np.frombuffer(stream, np.uint8)
    one.state[[AT, END, SIZE]] = 0, len(stream) + LOOK_AHEAD, size
    other = new_stream(0, 0)
    other.state[STATUS] = DONE

    inflate_two(other, one)

    assert one.state[STATUS] in (DONE, BAD)
    for around, room, slack in ((around_packed, one.packed, PACKED_SLACK), (around_lines, one.lines, LINES_SLACK)):
        assert room.size >= slack
        assert (around[:1_000] == GUARD).all()
        assert (around[1_000 + room.size :] == GUARD).all()


@given(content=st.binary(min_size=1, max_size=300), size=st.integers(0, 300), kind=st.integers(0, 3))
@example(content=b"\x4b\x04" + b"\0" * 200, size=300, kind=1)
def test_whatever_the_stream_is_it_keeps_to_its_room(content: bytes, size: int, kind: int) -> None:
    """The first bits say a block that is stored, of fixed codes, of codes of its own, or of none."""
    check_that_it_keeps_to_its_room(bytes([content[0] & 0xF9 | kind << 1, *content[1:]]), size)


@pytest.mark.parametrize("name", CONTENTS)
def test_a_stream_that_is_flipped_anywhere_keeps_to_its_room(name: str) -> None:
    content = CONTENTS[name][:500]
    for stream in {packed(content, level, strategy)[2:-4] for level in (0, 6) for strategy in STRATEGIES}:
        for at in range(0, len(stream), 3):
            broken = bytearray(stream)
            broken[at] ^= 1 << at % 8
            check_that_it_keeps_to_its_room(bytes(broken), (0, len(content))[at % 2])
