import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from trainer.models.dcal import Block, attention_rollout, select_salient


def multiplied(blocks: list[Block], seen: list[torch.Tensor]) -> torch.Tensor:
    """The definition: the product of all maps, each half of it what passes by; the class token's row."""
    through = torch.eye(seen[0].shape[1])
    for block, tokens in zip(blocks, seen, strict=True):
        attention = torch.stack(list(block.maps(tokens))).mean(0)
        through = (attention + torch.eye(seen[0].shape[1])) / 2 @ through
    return through[:, 0]


@given(st.integers(1, 4), st.integers(1, 2), st.integers(1, 3), st.integers(2, 12), st.integers(0, 99))
@settings(max_examples=25, deadline=None)
def test_walking_back_gives_the_row_of_the_product(
    depth: int, heads: int, pictures: int, tokens: int, seed: int
) -> None:
    torch.manual_seed(seed)
    blocks = [Block(heads, 0.5) for _ in range(depth)]
    seen = [torch.randn(pictures, tokens, 64 * heads) * 5 for _ in blocks]
    shares = attention_rollout(blocks, seen)
    assert torch.allclose(shares, multiplied(blocks, seen), atol=1e-6)
    assert torch.allclose(shares.sum(1), torch.ones(pictures))
    assert not shares.requires_grad


@given(st.integers(1, 4), st.integers(1, 20), st.data())
@settings(deadline=None)
def test_the_class_token_and_the_patches_of_the_greatest_shares_are_picked(
    pictures: int, patches: int, data: st.DataObject
) -> None:
    order = st.permutations(range(patches + 1))
    shares = torch.tensor([data.draw(order) for _ in range(pictures)], dtype=torch.float32)
    count = data.draw(st.integers(1, patches))
    picked = select_salient(shares.unsqueeze(2), shares, count).squeeze(2)
    assert torch.equal(picked[:, 0], shares[:, 0])
    assert torch.equal(picked[:, 1:], shares[:, 1:].sort(1, descending=True).values[:, :count])
