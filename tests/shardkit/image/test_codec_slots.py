"""What is filled into slots is what `decode` gives, whatever it is, on however many threads."""

import threading
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray

from shardkit.image.arrays import Values
from shardkit.image.codec import decode, decode_into, encode
from shardkit.image.formats import CODEC_EXTENSION, Codec
from tests import pictures
from tests.shardkit.image.test_codec import PACKERS, VALUES, hostile_headers
from tests.shardkit.image.test_foreign import ALL

pytestmark = pytest.mark.usefixtures("with_and_without_kernels")

CODECS: tuple[Codec, ...] = ("zstd", "lz4", "raw")
PICTURE = np.arange(60, dtype=np.uint16).reshape(4, 5, 3)


def slots_like(values: Values, count: int) -> NDArray[Any]:
    return np.full((count, *values.shape), 77, values.dtype)


def views(packed: Sequence[bytes]) -> list[memoryview]:
    return [memoryview(each) for each in packed]


@pytest.mark.parametrize("codec", CODECS)
@given(values=VALUES)
def test_fills_what_was_encoded(codec: Codec, values: Values) -> None:
    slots = slots_like(values, 3)

    assert not decode_into(CODEC_EXTENSION[codec], views([encode(values, codec)] * 2), slots)

    assert [slot.tobytes() for slot in slots[:2]] == [values.tobytes()] * 2
    assert (slots[2] == 77).all()


@pytest.mark.parametrize("kind", pictures.KINDS)
def test_fills_every_kind_of_png(kind: str) -> None:
    expected = [pictures.pixels(kind, (19, 23), seed=seed) for seed in range(3)]
    slots = slots_like(expected[0], 3)

    assert not decode_into("png", views([pictures.png(kind, (19, 23), seed=seed) for seed in range(3)]), slots)

    np.testing.assert_array_equal(slots, expected)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_pngs_are_filled_upright(orientation: int) -> None:
    packed = pictures.png("rgb8", orientation=orientation)
    expected = decode("png", packed)
    slots = slots_like(expected, 1)

    assert not decode_into("png", views([packed]), slots)

    np.testing.assert_array_equal(slots[0], expected)


@pytest.mark.parametrize("name", ALL)
def test_fills_other_formats(name: str) -> None:
    extension, content, _ = ALL[name]
    expected = decode(extension, content)
    slots = slots_like(expected, 1)

    assert not decode_into(extension, views([content]), slots)

    np.testing.assert_array_equal(slots[0], expected)


def test_what_is_damaged_is_told_by_its_number_and_harms_no_other() -> None:
    """But for checksums of chunks: who fills has compared a digest of the whole."""
    good = pictures.png(shape=(4, 4))
    damaged = [(content, reason) for content, reason in pictures.damaged().values() if reason != "bad-crc"]
    packed = [each for content, _ in damaged for each in (good, content)]
    slots = np.full((len(packed) + 1, 4, 4), 77, np.uint8)

    refused = decode_into("png", views(packed), slots)

    assert [*refused] == [*range(1, len(packed), 2)]
    for bad, (_, reason) in zip(refused.values(), damaged, strict=True):
        assert bad.reason in {reason, "another-shape"}
    assert (slots[:-1:2] == decode("png", good)).all()
    assert (slots[-1] == 77).all()


@pytest.mark.parametrize("extension", PACKERS)
def test_no_other_npy_is_filled(extension: str) -> None:
    good = PACKERS[extension](encode(PICTURE, "raw"))
    packed = [each for content in hostile_headers().values() for each in (good, PACKERS[extension](content))]
    slots = slots_like(PICTURE, len(packed))

    refused = decode_into(extension, views(packed), slots)

    assert [*refused] == [*range(1, len(packed), 2)]
    assert (slots[::2] == PICTURE).all()


@pytest.mark.parametrize("extension", ["npy.zst", "npy.lz4"])
def test_no_frame_with_more_is_filled(extension: str) -> None:
    packed = PACKERS[extension](encode(PICTURE, "raw"))
    broken = [packed + b"\0", packed + packed, packed[:-1], PACKERS[extension](bytes(2**24)), packed[:20]]

    assert [*decode_into(extension, views(broken), slots_like(PICTURE, 5))] == [0, 1, 2, 3, 4]


@pytest.mark.parametrize("codec", [*CODECS, "png"])
@pytest.mark.parametrize(
    "other", [PICTURE[:3], PICTURE[:, :3], PICTURE[..., :2], PICTURE[..., 0], PICTURE.astype(np.uint8)]
)
def test_another_shape_or_type_is_refused(codec: Codec, other: Values) -> None:
    slots = slots_like(PICTURE, 2)

    refused = decode_into(CODEC_EXTENSION[codec], views([encode(other, codec), encode(PICTURE, codec)]), slots)

    assert [*refused] == [0]
    assert refused[0].reason in {"another-shape", "undecodable"}
    np.testing.assert_array_equal(slots[1], PICTURE)


@pytest.mark.parametrize("codec", [*CODECS, "png"])
@given(at=st.integers(0, 10_000), bit=st.integers(0, 7))
def test_damage_gives_pixels_or_a_reason(codec: Codec, at: int, bit: int) -> None:
    packed = bytearray(encode(PICTURE, codec))
    packed[at % len(packed)] ^= 1 << bit
    slots = slots_like(PICTURE, 3)

    refused = decode_into(CODEC_EXTENSION[codec], [memoryview(packed)], slots[1:2])

    assert [*refused] in ([], [0])
    assert (slots[::2] == 77).all()


@given(content=arrays(np.uint8, st.integers(0, 200)))
@pytest.mark.parametrize("extension", [*PACKERS, "png", "jpg", "tif", "gif"])
def test_any_bytes_are_refused(extension: str, content: NDArray[np.uint8]) -> None:
    assert [*decode_into(extension, [content.data], slots_like(PICTURE, 1))] == [0]


def test_threads_do_not_meet() -> None:
    """Each has room of its own, which it uses again and again."""
    values = [np.full((40, 50), number, np.uint8) for number in range(60)]
    packed = {codec: views([encode(each, codec) for each in values]) for codec in (*CODECS, "png")}
    failed: list[Codec] = []

    def work(codec: Codec) -> None:
        for _ in range(5):
            slots = slots_like(values[0], len(values))
            if decode_into(CODEC_EXTENSION[codec], packed[codec], slots) or not np.array_equal(slots, values):
                failed.append(codec)

    threads = [threading.Thread(target=work, args=(codec,)) for codec in packed for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failed
