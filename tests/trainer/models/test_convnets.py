import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from tests.trainer.models.learning import alike_in_other_company, learns, same_when_recomputed, weight
from trainer.models.convnets import Cnn
from trainer.models.layers import BackboneSpec, BatchNorm
from trainer.models.registry import count_parameters, make_backbone
from trainer.network import recompute_blocks

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


TINY = BackboneSpec(channels=1, size=(32, 32), embedding=8, width=0.25)


def test_its_size_is_known_without_building_it() -> None:
    shape = BackboneSpec(channels=1, size=(160, 128), embedding=128)
    net = make_backbone("small", shape)
    assert count_parameters("small", shape) == sum(each.numel() for each in net.parameters())


def test_another_name_is_explained() -> None:
    with pytest.raises(LookupError, match=r"Did you mean 'small'\?"):
        make_backbone("smal", TINY)


def test_a_row_norm_is_a_batch_norm_for_one_micro_batch() -> None:
    ours, theirs = BatchNorm(3), nn.BatchNorm2d(3)
    images = torch.randn(4, 3, 5, 5)
    assert torch.equal(ours(images), theirs(images))
    ours.update(ours.seen_mean, ours.seen_var)
    assert torch.allclose(ours.running_mean, theirs.running_mean)  # type: ignore[arg-type]  # it has one
    assert torch.allclose(ours.running_var, theirs.running_var)  # type: ignore[arg-type]
    assert torch.equal(ours.eval()(images), theirs.eval()(images)) or torch.allclose(ours(images), theirs(images))


def test_a_row_norm_forgets_a_micro_batch_that_was_no_number() -> None:
    """fp16 overflows now and then: what it left must not spoil the rows behind."""
    norm, images = BatchNorm(3), torch.randn(4, 3, 5, 5)
    norm(images / 0.0)
    norm(images)
    assert torch.allclose(norm.seen_mean, images.mean((0, 2, 3)), atol=1e-6)


def test_recomputed_activations_change_neither_gradients_nor_statistics() -> None:
    torch.manual_seed(0)
    net = make_backbone("small", TINY)
    images = torch.randn(4, 1, 32, 32)
    net(images).vector.sum().backward()
    plain = [each.grad.clone() for each in net.parameters() if each.grad is not None]
    seen = [each.seen_mean.clone() for each in net.modules() if isinstance(each, BatchNorm)]
    net.zero_grad()
    recompute_blocks(net)
    net(images).vector.sum().backward()
    assert all(
        torch.equal(one, each.grad) for one, each in zip(plain, net.parameters(), strict=True) if each.grad is not None
    )
    assert all(
        torch.equal(one, two)
        for one, two in zip(seen, [e.seen_mean for e in net.modules() if isinstance(e, BatchNorm)], strict=True)
    )
    assert len(plain) > 10
