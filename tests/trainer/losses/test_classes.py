import torch
from hypothesis import given
from hypothesis import strategies as st

from trainer.heads.margin import CrossEntropy


@given(st.integers(0, 999), st.integers(2, 9), st.sampled_from([0.0, 0.1, 0.5]))
def test_each_sample_pays_for_what_it_does_not_believe(seed: int, classes: int, smoothing: float) -> None:
    chance = torch.Generator().manual_seed(seed)
    scores = torch.randn(5, classes, generator=chance)
    labels = torch.randint(classes, (5,), generator=chance)
    believed = scores.double().exp() / scores.double().exp().sum(1, keepdim=True)
    for each, row, label in zip(CrossEntropy(smoothing)(scores, labels), believed, labels, strict=True):
        by_hand = -(1 - smoothing) * row[label].log() - smoothing * row.log().mean()
        torch.testing.assert_close(each.double(), by_hand, atol=1e-5, rtol=1e-5)
