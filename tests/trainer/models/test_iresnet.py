from collections.abc import Callable

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.trainer.models.learning import alike_in_other_company, learns, same_when_recomputed, weight
from trainer.models.iresnet import IResNet, iresnet18, iresnet50, iresnet100
from trainer.models.layers import BackboneSpec

TINY = BackboneSpec(channels=3, size=(32, 32), embedding=16, width=0.125, dropout=0.1)
Net = Callable[[BackboneSpec], IResNet]


@pytest.mark.parametrize(
    ("net", "exactly", "published"),
    [(iresnet18, 24_025_088, 24.03e6), (iresnet50, 43_590_336, 43.59e6), (iresnet100, 65_155_648, 65.15e6)],
)
def test_it_weighs_what_was_published(net: Net, exactly: int, published: float) -> None:
    """At 112 x 112, with 512 numbers; there the 512 scales that stay at 1 may count."""
    assert weight(net, BackboneSpec(3, (112, 112), 512)) == exactly == pytest.approx(published, rel=0.005)


@given(st.tuples(st.integers(1, 70), st.integers(1, 70)))
@settings(max_examples=8, deadline=None)
def test_it_is_built_for_pictures_of_any_size(size: tuple[int, int]) -> None:
    with torch.device("meta"):
        vector = iresnet18(BackboneSpec(1, size, 8, width=0.1))(torch.empty(2, 1, *size)).vector
    assert vector.shape == (2, 8)


def test_18_learns_at_full_width() -> None:
    assert learns(iresnet18(BackboneSpec(3, (32, 32), 64)), torch.randn(4, 3, 32, 32))


@pytest.mark.parametrize("net", [iresnet50, iresnet100])
def test_the_deep_ones_learn(net: Net) -> None:
    assert learns(net(TINY), torch.randn(4, 3, 32, 32))


def test_each_number_of_the_vector_is_of_one_size_over_a_micro_batch() -> None:
    vector = iresnet18(TINY)(torch.randn(8, 3, 32, 32)).vector
    assert torch.allclose(vector.std(0, correction=0), torch.ones(16), atol=1e-2)
    assert iresnet18(TINY).settle.weight is None


def test_recomputing_changes_nothing() -> None:
    assert same_when_recomputed(iresnet18(TINY), torch.randn(4, 3, 32, 32))


def test_a_vector_does_not_depend_on_the_other_pictures() -> None:
    assert alike_in_other_company(iresnet18(TINY), torch.randn(4, 3, 32, 32))
