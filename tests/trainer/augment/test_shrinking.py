import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from trainer.augment.pipeline import WHITE, downscale


@given(st.integers(1, 13), st.integers(0, 9), st.integers(0, 9), st.sampled_from([*WHITE]))
def test_each_pixel_is_the_mean_of_its_square(side: int, more_rows: int, more: int, dtype: torch.dtype) -> None:
    height, width = side + more_rows, side + more
    white = WHITE[dtype]
    seeded = torch.Generator().manual_seed(height * 100 + width)
    images = torch.randint(white // 2, white + 1, (2, 1, height, width), generator=seeded)
    small = downscale(images.to(dtype), side)
    assert small.shape == (2, 1, height // side, width // side)
    for row in range(height // side):
        for column in range(width // side):
            square = images[:, 0, row * side : (row + 1) * side, column * side : (column + 1) * side]
            expected = square.double().mean((1, 2)) / white
            torch.testing.assert_close(small[:, 0, row, column].double(), expected, rtol=0, atol=1e-7)


@pytest.mark.parametrize("side", [1, 2, 3])
def test_floats_are_taken_as_they_are(side: int) -> None:
    values = torch.randn((2, 3, 7, 8), generator=torch.Generator().manual_seed(0)) * 1e3
    expected = values.unfold(2, side, side).unfold(3, side, side).double().mean((4, 5))
    torch.testing.assert_close(downscale(values, side).double(), expected, rtol=1e-5, atol=1e-3)
    if side == 1:
        assert torch.equal(downscale(values, side), values)


@pytest.mark.parametrize("dtype", [*WHITE])
@pytest.mark.parametrize("side", [1, 2, 11, 12, 16, 100])
def test_white_stays_white_at_any_size(dtype: torch.dtype, side: int) -> None:
    images = torch.full((1, 1, side, side), WHITE[dtype], dtype=torch.int32).to(dtype)
    assert downscale(images, side).item() == 1
