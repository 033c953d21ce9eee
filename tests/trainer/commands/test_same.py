"""Two sets of tensors are the same bits or not, down to what equality passes over."""

import pytest
import torch

from trainer.cli.prove import compare_tensors, digest_tensors

NAN = float("nan")


def tensors() -> dict[str, torch.Tensor]:
    return {
        "a": torch.arange(6.0).view(2, 3),
        "b": torch.tensor([0.5, NAN], dtype=torch.bfloat16),
        "c": torch.tensor(3),
        "d": torch.zeros(0),
    }


def test_the_same_is_the_same() -> None:
    assert not compare_tensors(tensors(), tensors())
    assert digest_tensors(tensors()) == digest_tensors(dict(reversed(tensors().items())))


@pytest.mark.parametrize(
    ("name", "other", "says"),
    [
        ("a", torch.tensor([[0.0, 1, 2], [3, 4.5, 5]]), "1 of 4 tensors differ, first a, by 0.5 at most"),
        ("a", torch.arange(6.0).view(2, 3) * -0.0 + torch.arange(6.0).view(2, 3), ""),
        ("a", torch.tensor([[-0.0, 1, 2], [3, 4, 5]]), "1 of 4 tensors differ, first a, by 0 at most"),
        ("a", torch.arange(6.0), "first a, of shape (2, 3) and (6,)"),
        ("b", torch.tensor([0.5, 1.0], dtype=torch.bfloat16), "first b, by nan at most"),
        ("c", torch.tensor(4), "first c, by 1 at most"),
    ],
)
def test_the_first_difference_is_named(name: str, other: torch.Tensor, says: str) -> None:
    changed = {**tensors(), name: other}
    found = compare_tensors(tensors(), changed)
    assert says in found
    assert bool(found) == bool(says)
    assert (digest_tensors(tensors()) == digest_tensors(changed)) == (not says)


def test_what_only_one_has_is_named() -> None:
    assert compare_tensors(tensors(), {**tensors(), "e": torch.zeros(1)}) == "only one of them has e"
