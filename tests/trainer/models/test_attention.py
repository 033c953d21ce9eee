import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from trainer.models.dcal import Attention, Block


@given(st.integers(1, 3), st.integers(1, 9), st.integers(0, 99))
@settings(max_examples=25, deadline=None)
def test_maps_are_what_the_fused_attention_looks_by(heads: int, count: int, seed: int) -> None:
    torch.manual_seed(seed)
    attention, tokens = Attention(heads, 0.0), torch.randn(2, count, 64 * heads)
    values = attention.value(tokens).unflatten(2, (heads, 64)).unbind(2)
    looked = [each @ value for each, value in zip(attention.maps(tokens), values, strict=True)]
    assert torch.allclose(attention(tokens, tokens), attention.out(torch.cat(looked, 2)), atol=1e-5)


def test_tokens_that_see_themselves_twice_see_nothing_new() -> None:
    block, tokens = Block(1, 0.0), torch.randn(2, 5, 64)
    assert torch.allclose(block(tokens), block(tokens, torch.cat([tokens, tokens], 1)), atol=1e-5)


def test_what_is_dropped_is_dropped_while_learning_alone() -> None:
    block, tokens = Block(1, 0.5), torch.randn(2, 5, 64)
    assert not torch.equal(block(tokens), block(tokens))
    block.eval()
    assert torch.equal(block(tokens), block(tokens))
