"""A spool writes the tar that its samples make, hashes what it writes, and forgets what is taken back."""

import tracemalloc
from unittest import mock

import pytest
from blake3 import blake3
from hypothesis import given
from hypothesis import strategies as st
from xxhash import xxh3_128_digest

from shardkit.errors import BadInput
from shardkit.format.tar import BLOCK, END_BLOCKS, header, padding
from shardkit.pack.source.file_types import MAX_IMAGE_SIZE, MAX_SIDECAR_SIZE
from shardkit.pack.write import tar_writer as module
from shardkit.pack.write.tar_writer import Fill, TarWriter

# Of a sample: its payloads, and whether it turns out to be whole.
SAMPLES = st.lists(st.tuples(st.lists(st.binary(max_size=3000), min_size=1, max_size=3), st.booleans()), max_size=12)


def filled_with(content: bytes) -> Fill:
    def fill(view: memoryview) -> None:
        view[:] = content

    return fill


@given(SAMPLES, st.sampled_from([1, 700, 4096, 1 << 20]))
def test_what_is_kept_is_written_and_nothing_else(samples: list[tuple[list[bytes], bool]], write: int) -> None:
    expected, written, hasher = b"", list[bytes](), blake3()
    with mock.patch.object(module, "_WRITE", write):
        spool = TarWriter(lambda chunk: written.append(bytes(chunk)), [hasher.update])
        for number, (payloads, whole) in enumerate(samples):
            name = f"subject/{number}"
            sample = b""
            for each, content in enumerate(payloads):
                member = spool.add(name, f"x{each}", len(content), filled_with(content))
                sample += header(f"{name}.x{each}", len(content)) + content + padding(len(content))
                assert member.offset == len(expected + sample) - len(content + padding(len(content)))
                assert (member.size, member.xxh3) == (len(content), xxh3_128_digest(content))
            if whole:
                expected += sample
                spool.commit()
            else:
                spool.rollback()
            assert spool.position == len(expected)
        size = spool.close()
    assert b"".join(written) == expected + END_BLOCKS
    assert (size, hasher.hexdigest()) == (len(expected + END_BLOCKS), blake3(expected + END_BLOCKS).hexdigest())


def test_what_a_failed_member_left_behind_is_not_seen() -> None:
    """It may have been longer than what comes next."""
    written = list[bytes]()
    spool = TarWriter(lambda chunk: written.append(bytes(chunk)), [])

    def fail(view: memoryview) -> None:
        view[:] = b"x" * len(view)
        raise OSError

    for _ in range(2):
        try:
            spool.add("a/1", "png", 5000, fail)
        except OSError:
            spool.rollback()
    spool.add("a/2", "png", 3, filled_with(b"abc"))
    spool.commit()
    spool.close()
    assert b"".join(written) == header("a/2.png", 3) + b"abc" + bytes(BLOCK - 3) + END_BLOCKS


@pytest.mark.parametrize(
    ("ext", "most"), [("png", MAX_IMAGE_SIZE), ("npy.zst", MAX_IMAGE_SIZE), ("JSON", MAX_SIDECAR_SIZE)]
)
def test_what_is_too_large_is_refused_before_room_is_made_for_it(ext: str, most: int) -> None:
    spool = TarWriter(lambda _: None, [])
    with mock.patch.object(spool, "_reserve", side_effect=AssertionError), pytest.raises(BadInput) as refused:
        spool.add("a/1", ext, most + 1, filled_with(b""))
    assert refused.value.reason == "too-large"


def test_the_buffer_grows_to_what_is_needed() -> None:
    size = 40 << 20
    spool = TarWriter(lambda _: None, [])
    tracemalloc.start()
    spool.add("a/1", "png", size, lambda _: None)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 1.1 * size


def test_a_sample_larger_than_the_buffer_is_written_whole() -> None:
    content, written = bytes(range(256)) * 40_000, list[bytes]()
    spool = TarWriter(lambda chunk: written.append(bytes(chunk)), [])
    spool.add("a/1", "png", len(content), filled_with(content))
    spool.commit()
    spool.close()
    assert b"".join(written) == header("a/1.png", len(content)) + content + padding(len(content)) + END_BLOCKS
