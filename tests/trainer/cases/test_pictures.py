"""Pictures of any kind become small PNGs of 8 bits that another library reads as they are."""

import io

import cv2
import numpy as np
import pytest

from trainer.evaluation.hard_cases_page import MAX_IMAGE_SIDE, sample_to_png


def shown(values: np.ndarray) -> np.ndarray:
    file = io.BytesIO()
    np.save(file, values)
    found = cv2.imdecode(np.frombuffer(sample_to_png("npy", file.getvalue()), np.uint8), cv2.IMREAD_UNCHANGED)
    assert found is not None
    return found


@pytest.mark.parametrize("shape", [(7, 5), (4, 6, 3), (1, 1)])
def test_a_small_one_stays_as_it_is(shape: tuple[int, ...]) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, shape).astype(np.uint8)
    pixels.flat[0] = 255
    found = shown(pixels)
    assert np.array_equal(found[..., ::-1] if found.ndim == 3 else found, pixels)


def test_a_large_one_is_averaged() -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (2 * MAX_IMAGE_SIDE, MAX_IMAGE_SIDE + 1)).astype(np.uint8)
    found = shown(pixels)
    assert found.shape == (MAX_IMAGE_SIDE, MAX_IMAGE_SIDE // 2)
    assert abs(int(found[3, 5]) - pixels[6:8, 10:12].mean()) <= 0.5


@pytest.mark.parametrize("dtype", [np.uint16, np.float32])
def test_deeper_ones_are_stretched(dtype: type) -> None:
    assert shown(np.array([[0, 500], [250, 1000]], dtype)).tolist() == [[0, 128], [64, 255]]


@pytest.mark.parametrize("shape", [(4, 6, 4), (4, 6, 2), (4, 6, 7)])
def test_other_layers_are_left_out(shape: tuple[int, ...]) -> None:
    assert shown(np.full(shape, 9, np.uint8)).shape[:2] == (4, 6)
