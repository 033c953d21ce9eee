"""Pictures side by side: whatever their number and size, others read the PNG and find each picture in its place."""

import cv2
import numpy as np
import torch
from hypothesis import given
from hypothesis import strategies as st

from trainer.cli.replay import render_sheet

SIDES = st.integers(1, 9)


@given(count=st.integers(1, 12), channels=st.sampled_from([1, 3]), height=SIDES, width=SIDES, seed=st.integers(0, 99))
def test_each_picture_is_in_its_place(count: int, channels: int, height: int, width: int, seed: int) -> None:
    images = torch.rand(count, channels, height, width, generator=torch.Generator().manual_seed(seed))
    whole = cv2.imdecode(np.frombuffer(render_sheet(images), np.uint8), cv2.IMREAD_UNCHANGED)
    assert whole is not None
    columns = whole.shape[1] // (width + 2)
    for number, image in enumerate(images):
        row, column = divmod(number, columns)
        found = whole[row * (height + 2) :, column * (width + 2) :][:height, :width]
        grey = image.mean(0)
        expected = (grey - grey.min()) / (grey.max() - grey.min()).clamp(min=1e-12) * 255
        assert np.abs(found - expected.numpy()).max() <= 0.5 + 1e-3


def test_what_is_no_number_is_shown_as_black() -> None:
    images = torch.full((1, 1, 4, 4), float("nan"))
    images[0, 0, 0, 0] = 1.0
    whole = cv2.imdecode(np.frombuffer(render_sheet(images), np.uint8), cv2.IMREAD_UNCHANGED)
    assert whole is not None
    assert (whole[0, 0], whole[1, 1]) == (255, 0)
