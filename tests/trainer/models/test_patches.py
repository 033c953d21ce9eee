import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from trainer.models.dcal import Patches
from trainer.models.layers import BackboneSpec

SIDES = st.integers(1, 4)


@given(SIDES, SIDES, st.integers(1, 8))
@settings(max_examples=25, deadline=None)
def test_each_patch_is_a_token_and_no_pixel_is_in_two(rows: int, columns: int, side: int) -> None:
    cut = Patches(BackboneSpec(1, (rows * side, columns * side), 8, patch=side), width=4)
    plain = torch.zeros(1, 1, rows * side, columns * side)
    for patch in range(rows * columns):
        row, column = divmod(patch, columns)
        touched = plain.clone()
        touched[0, 0, row * side, column * side] = 1
        changed = (cut(touched) != cut(plain)).any(2).squeeze(0)
        assert changed.nonzero().tolist() == [[1 + patch]]


@pytest.mark.parametrize(("size", "whole"), [((100, 112), "96 112"), ((448, 8), "448 16"), ((112, 0), "112 16")])
def test_a_side_that_patches_do_not_fill_is_explained(size: tuple[int, int], whole: str) -> None:
    with pytest.raises(ValueError, match=rf"do not fill pictures of {size[0]} x {size[1]}\. .*crop = {whole}\)"):
        Patches(BackboneSpec(3, size, 8), width=4)
