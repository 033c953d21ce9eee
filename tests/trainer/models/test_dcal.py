from dataclasses import replace

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from tests.trainer.models.learning import alike_in_other_company, learns, same_when_recomputed, weight
from trainer.models.dcal import (
    Attention,
    Block,
    DualCrossAttentionViT,
    Patches,
    attention_rollout,
    pair_partners,
    select_salient,
)
from trainer.models.layers import BackboneSpec, Features


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


TINY = BackboneSpec(channels=3, size=(32, 32), embedding=16, width=1 / 12, patch=8, blocks=(2, 1, 2))

PICTURES = torch.randn(4, 3, 32, 32, generator=torch.Generator().manual_seed(0))


def views(net: DualCrossAttentionViT, images: torch.Tensor = PICTURES) -> Features:
    features: Features = net(images)
    return features


def test_its_first_view_is_the_published_transformer() -> None:
    with torch.device("meta"):
        net = DualCrossAttentionViT(BackboneSpec(3, (224, 224), 512))
    own = nn.ModuleList([net.patches, *net.blocks[:12], net.norms[0]])
    assert sum(each.numel() for each in own.parameters()) == 85_798_656


@pytest.mark.parametrize(
    ("blocks", "exactly"), [((12, 1, 12), 93_733_376), ((6, 1, 6), 51_206_144), ((4, 1, 4), 37_030_400)]
)
def test_its_size_at_448(blocks: tuple[int, int, int], exactly: int) -> None:
    assert weight(DualCrossAttentionViT, BackboneSpec(3, (448, 448), 512, blocks=blocks)) == exactly


def test_seeing_two_pictures_costs_no_weights() -> None:
    assert weight(DualCrossAttentionViT, replace(TINY, blocks=(2, 1, 0))) == weight(DualCrossAttentionViT, TINY)


def test_it_learns() -> None:
    net = DualCrossAttentionViT(BackboneSpec(3, (112, 112), 32, width=0.25, dropout=0.1, blocks=(2, 1, 2)))
    assert net.parts == (16, 16)
    assert learns(net, torch.randn(4, 3, 112, 112))


def test_recomputing_changes_nothing() -> None:
    assert same_when_recomputed(DualCrossAttentionViT(replace(TINY, dropout=0.2)), PICTURES)


def test_a_vector_does_not_depend_on_the_other_pictures() -> None:
    assert alike_in_other_company(DualCrossAttentionViT(TINY), PICTURES)


def test_another_partner_changes_what_is_seen_again_and_no_part() -> None:
    net, others = DualCrossAttentionViT(TINY), PICTURES.clone()
    others[2] = 0  # the partner of 0, and nobody else's
    one, two = views(net), views(net, others)
    assert one.again is not None
    assert two.again is not None
    assert (one.again != two.again).any(1).tolist() == [True, False, True, False]
    assert all(torch.equal(mine[0], same[0]) for mine, same in zip(one.parts, two.parts, strict=True))


@pytest.mark.parametrize("pictures", [2, 4])
def test_two_partners_are_told_apart(pictures: int) -> None:
    """Seen beside each other: both look at the same two pictures."""
    net = DualCrossAttentionViT(TINY)
    for each in net.parameters():
        nn.init.normal_(each, std=0.2)
    again = views(net, PICTURES[:pictures]).again
    assert again is not None
    assert (again - pair_partners(again)).abs().amax(1).min() > 1e-3


def test_beside_itself_a_picture_looks_as_alone() -> None:
    features = views(DualCrossAttentionViT(TINY), PICTURES[:1].expand(4, -1, -1, -1))
    assert features.again is not None
    assert torch.allclose(features.again, features.parts[0], atol=1e-5)


def test_nothing_is_seen_again_where_nothing_is_learnt() -> None:
    assert views(DualCrossAttentionViT(TINY).eval()).again is None
    assert views(DualCrossAttentionViT(replace(TINY, blocks=(2, 1, 0)))).again is None


def test_fewer_blocks_that_see_two_pictures_go_on_with_one() -> None:
    net, tokens = DualCrossAttentionViT(replace(TINY, blocks=(3, 1, 1))), list[int]()
    for attention in (each for each in net.modules() if isinstance(each, Attention)):
        attention.register_forward_pre_hook(lambda _, given: tokens.append(given[1].shape[1]))
    views(net)
    alone, salient, beside = [17, 17, 17], [17], [34, 17, 17]
    assert tokens == alone + salient + beside


@pytest.mark.parametrize("pictures", range(2, 8))
def test_nobody_is_the_own_partner_and_each_is_one(pictures: int) -> None:
    mine = torch.arange(pictures)
    assert not (pair_partners(mine) == mine).any()
    assert pair_partners(mine).sort().values.equal(mine)


def test_what_looks_again_is_the_class_token_and_the_patches_it_came_from() -> None:
    net, given = DualCrossAttentionViT(TINY).eval(), list[torch.Tensor]()
    net.blocks[2].register_forward_pre_hook(lambda _, inputs: given.extend(inputs))
    views(net)
    local, whole = given
    *seen, out = net._alone(net.patches(PICTURES))  # noqa: SLF001 - what its blocks saw
    order = attention_rollout(net._first, seen)[:, 1:].argsort(1, descending=True)  # noqa: SLF001
    assert local.shape[1] == 1 + round(0.3 * 16)
    assert torch.equal(whole, out)
    for picture in range(4):
        best = order[picture, : local.shape[1] - 1]
        assert torch.equal(local[picture], whole[picture, [0, *(1 + best).tolist()]])


def test_it_learns_in_sixteen_bits() -> None:
    """Autocast keeps the rounded weights of a forward: none may come from where no gradient is kept."""
    with torch.autocast("cpu", torch.bfloat16):
        assert learns(DualCrossAttentionViT(TINY), PICTURES)


@pytest.mark.parametrize("embedding", [15, 0])
def test_a_vector_without_halves_is_explained(embedding: int) -> None:
    with pytest.raises(ValueError, match=rf"model\.embedding is {embedding}: choose an even number"):
        DualCrossAttentionViT(replace(TINY, embedding=embedding))


@pytest.mark.parametrize("blocks", [(0, 1, 0), (2, 0, 2), (2, 1, 3), (2, 1, -1)])
def test_blocks_that_do_not_fit_are_explained(blocks: tuple[int, int, int]) -> None:
    with pytest.raises(ValueError, match=r"model\.blocks is .* Published: 12 1 12"):
        DualCrossAttentionViT(replace(TINY, blocks=blocks))


def test_pictures_that_patches_do_not_fill_are_explained() -> None:
    with pytest.raises(ValueError, match="Patches of 8 x 8 do not fill"):
        DualCrossAttentionViT(replace(TINY, size=(36, 32)))
