import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.trainer.models.learning import alike_in_other_company, learns, same_when_recomputed, weight
from trainer.models.convnets import Cnn
from trainer.models.layers import BackboneSpec

SMALL = BackboneSpec(channels=3, size=(32, 32), embedding=16, width=0.25, dropout=0.1)


def test_its_size() -> None:
    convolutions = 9 * (3 * 64 + 64 * 64 + 64 * 128 + 128 * 128 + 128 * 256 + 256 * 256)
    norms = 2 * 2 * (64 + 128 + 256)
    assert weight(Cnn, BackboneSpec(3, (32, 32), 128)) == convolutions + norms + (256 + 1) * 128


@given(st.tuples(st.integers(8, 80), st.integers(8, 80)), st.integers(1, 4))
@settings(max_examples=20, deadline=None)
def test_any_picture_of_eight_pixels_and_more_has_a_vector(size: tuple[int, int], channels: int) -> None:
    with torch.device("meta"):
        vector = Cnn(BackboneSpec(channels, size, 16, width=0.1))(torch.empty(2, channels, *size)).vector
    assert vector.shape == (2, 16)


def test_a_smaller_picture_is_explained() -> None:
    with pytest.raises(ValueError, match=r"nothing is left of 32 x 7\. Give it sides of at least 8"):
        Cnn(BackboneSpec(3, (32, 7), 16))


def test_it_learns() -> None:
    assert learns(Cnn(SMALL), torch.randn(4, 3, 32, 32))


def test_recomputing_changes_nothing() -> None:
    assert same_when_recomputed(Cnn(SMALL), torch.randn(4, 3, 32, 32))


def test_a_vector_does_not_depend_on_the_other_pictures() -> None:
    assert alike_in_other_company(Cnn(SMALL), torch.randn(4, 3, 32, 32))
