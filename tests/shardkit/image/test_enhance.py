import hashlib
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from shardkit.image.arrays import Bytes
from shardkit.image.enhance import MAX_FIELD_VALUE, ORIENTATIONS, WHITE, enhance_ridges, filter_responses, make_wave
from shardkit.image.opencv import cv2
from synthetic.fingerprints.cheap import CheapPrint

SHAPE = (256, 240)
WAVELENGTHS = (4.0, 5.0, 6.25)


@pytest.fixture(scope="module")
def finger() -> CheapPrint:
    return CheapPrint(0, 3, SHAPE)


@pytest.fixture
def any_opencv() -> Iterator[None]:
    threads = cv2.getNumThreads()
    yield
    cv2.setNumThreads(threads)
    cv2.setUseOptimized(onoff=True)


def noisy(finger: CheapPrint, sigma: float) -> Bytes:
    noise = np.random.default_rng(1).normal(0, sigma, SHAPE)
    return np.clip(finger.impression(0) + noise, 0, 255).astype(np.uint8)


def agreement(finger: CheapPrint, shown: Bytes) -> float:
    """The correlation with the clean ridges, where the finger surely touches."""
    rows, columns = np.indices(SHAPE)
    inside = np.hypot(columns / SHAPE[1] - 0.5, rows / SHAPE[0] - 0.5) < 0.38
    return float(np.corrcoef(shown[inside], 255.0 - finger.dark[inside])[0, 1])


@pytest.mark.parametrize("sigma", [40, 80, 120])
def test_noise_goes_and_ridges_stay(finger: CheapPrint, sigma: float) -> None:
    before = noisy(finger, sigma)
    after = agreement(finger, enhance_ridges(before))
    assert after > 0.95
    assert after > agreement(finger, before) + 0.08


def test_contrast_and_light_do_not_matter(finger: CheapPrint) -> None:
    clean = finger.impression(0)
    rows, _ = np.indices(SHAPE)
    faint = (60 + clean * 0.3 + rows * 0.4).astype(np.uint8)
    assert agreement(finger, enhance_ridges(faint)) > agreement(finger, enhance_ridges(clean)) - 0.01


def test_what_is_no_print_turns_white(finger: CheapPrint) -> None:
    shown = enhance_ridges(finger.impression(0))
    assert (shown[:20, :20] == WHITE).all()
    assert (shown[-20:, -20:] == WHITE).all()
    assert (shown[118:138, 110:130] == WHITE).mean() < 0.5


@pytest.mark.parametrize("value", [0, 17, 255])
def test_an_empty_sensor_is_white(value: int) -> None:
    assert (enhance_ridges(np.full((64, 65), value, np.uint8)) == WHITE).all()


@pytest.mark.parametrize("sigma", [30, 90])
def test_grain_alone_is_no_ridge(sigma: float) -> None:
    """Not even grain as strong as ridges: it has no direction."""
    grain = np.random.default_rng(0).normal(128, sigma, (256, 256))
    assert (enhance_ridges(np.clip(grain, 0, 255).astype(np.uint8)) == WHITE).mean() > 0.9


@pytest.mark.parametrize("shape", [(1, 1), (1, 40), (3, 2), (41, 300)])
def test_any_shape_keeps_its_shape(shape: tuple[int, int]) -> None:
    assert enhance_ridges(np.zeros(shape, np.uint8)).shape == shape


@pytest.mark.usefixtures("any_opencv")
def test_no_thread_and_no_vector_unit_changes_a_bit(finger: CheapPrint) -> None:
    pixels = noisy(finger, 60)
    expected = enhance_ridges(pixels)
    for threads in (0, 2, 8):
        cv2.setNumThreads(threads)
        np.testing.assert_array_equal(enhance_ridges(pixels), expected)
    cv2.setUseOptimized(onoff=False)
    np.testing.assert_array_equal(enhance_ridges(pixels), expected)


def test_opencv_starts_no_threads() -> None:
    """In a process of its own: here other tests may have said so already."""
    script = "from shardkit.image.opencv import cv2; raise SystemExit(cv2.getNumThreads() != 1)"
    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == 0


@pytest.mark.parametrize("wavelength", WAVELENGTHS)
def test_responses_are_the_exact_whole_numbers(wavelength: float) -> None:
    """The same sums in 64-bit integers, for the loudest field that may come in."""
    field = np.random.default_rng(0).choice([-MAX_FIELD_VALUE, 0, MAX_FIELD_VALUE], (40, 44)).astype(np.float32)
    for number, response in enumerate(filter_responses(field, wavelength)):
        np.testing.assert_array_equal(response, in_integers(field, wavelength, number))


def in_integers(field: NDArray[np.float32], wavelength: float, number: int) -> NDArray[Any]:
    mirrored = number > ORIENTATIONS // 2
    step = ORIENTATIONS - number if mirrored else number
    along, down = (make_wave(wavelength, np.cos(np.pi * at / ORIENTATIONS)) for at in (step, ORIENTATIONS // 2 - step))
    whole = field.astype(np.int64)
    even = passed(passed(whole, along.cosine).T, down.cosine).T
    odd = passed(passed(whole, along.sine).T, down.sine).T
    return even + odd if mirrored else even - odd


def passed(field: NDArray[np.int64], kernel: NDArray[np.float32]) -> NDArray[np.int64]:
    """Correlation along lines in integers, scaled by 2^-13 and rounded to the nearest, halves to even."""
    reach = kernel.size // 2
    wide = np.pad(field, ((0, 0), (reach, reach)), mode="reflect")
    total = sum(wide[:, at : at + field.shape[1]] * int(weight) for at, weight in enumerate(kernel))
    return np.rint(np.asarray(total) / 2**13).astype(np.int64)


@pytest.mark.parametrize("wavelength", WAVELENGTHS)
def test_no_sum_leaves_what_float32_counts_exactly(wavelength: float) -> None:
    for step in range(ORIENTATIONS // 2 + 1):
        for kernel in make_wave(wavelength, np.cos(np.pi * step / ORIENTATIONS)):
            assert np.abs(kernel).sum() * MAX_FIELD_VALUE < 2**24
            assert kernel.size < 121


@pytest.mark.parametrize("number", range(ORIENTATIONS))
def test_the_filter_along_thewaves_answers_most(number: int) -> None:
    rows, columns = np.indices((64, 64))
    turn = np.pi * number / ORIENTATIONS
    waves = np.rint(500 * np.cos(2 * np.pi / 5 * (columns * np.cos(turn) + rows * np.sin(turn)))).astype(np.float32)
    strengths = [float(np.abs(response).mean()) for response in filter_responses(waves, 5.0)]
    assert int(np.argmax(strengths)) == number


def test_gives_these_bytes() -> None:
    """They are in people's shards: another result needs another ENHANCE_VERSION."""
    rows, columns = np.indices((90, 100))
    waves = np.where((rows * 3 + columns * 5) % 57 < 25, 40, 220).astype(np.uint8)
    assert hashlib.sha256(enhance_ridges(waves).tobytes()).hexdigest()[:16] == "b28faf547ed1b117"
