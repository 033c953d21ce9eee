"""A head on many ranks: the losses and gradients of a whole one, and the same bits on any number of ranks."""

from collections.abc import Iterator
from typing import NamedTuple

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.trainer.ranks import Ranks
from trainer.config.checks import BLOCKS_OF_CLASSES
from trainer.distributed.gradients import ExactReducer, GradClipper
from trainer.distributed.step_stats import NegativeSampler
from trainer.distributed.world import World
from trainer.heads.margin import CosineHead, CrossEntropy, make_margin
from trainer.heads.partial_fc import BLOCKS, Block, PartialFCHead, find_blocks, owned_blocks

EMBEDDING, BATCH, MICRO_BATCHES = 12, 3, 4
MARGINS = st.sampled_from(("cosface", "arcface", "adaface"))
SEEDS, CLASSES = st.integers(0, 1000), st.sampled_from((1, 17, 64, 150))


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


class Learnt(NamedTuple):
    losses: torch.Tensor
    of_embeddings: torch.Tensor
    weight: torch.Tensor
    of_weight: torch.Tensor
    norm: torch.Tensor


class Case(NamedTuple):
    name: str
    classes: int
    seed: int
    sampled: float = 1.0
    step: int = 0

    def row(self) -> tuple[torch.Tensor, torch.Tensor]:
        chance = torch.Generator().manual_seed(self.seed)
        samples = BATCH * MICRO_BATCHES
        return torch.randn(samples, EMBEDDING, generator=chance), torch.randint(
            self.classes, (samples,), generator=chance
        )

    def head(self, world: World) -> PartialFCHead:
        return PartialFCHead(EMBEDDING, self.classes, make_margin(self.name, 0.2), 30.0, world, lambda block: block)


def on_one(case: Case, world: World) -> Learnt:
    """What one rank has of a row, in the order of blocks and samples."""
    head = case.head(world)
    exact, norm = ExactReducer(head, head, world, MICRO_BATCHES), GradClipper(head, world, 0)
    mine = slice(world.rank * (count := BATCH * MICRO_BATCHES // world.size), (world.rank + 1) * count)
    embeddings, labels = (each[mine] for each in case.row())
    NegativeSampler(head, world, 0, case.sampled).draw(labels, case.step)
    losses, gradients = [], []
    for part, of in zip(torch.split(embeddings, BATCH), torch.split(labels, BATCH), strict=True):
        part.requires_grad_()
        losses.append(head(part, of))
        losses[-1].mean().backward()
        exact.accumulate()
        assert part.grad is not None
        gradients.append(part.grad)
    exact.finalize(1.0)
    own: list[torch.Tensor] = [block.weight for block in head.owned]
    told = torch.tensor([norm.clipped()])
    of_weights = [each.grad for each in own if each.grad is not None]
    return Learnt(torch.cat(losses), torch.cat(gradients), torch.cat(own), torch.cat(of_weights), told)


def learnt(case: Case, size: int) -> Learnt:
    ranks = Ranks(size).each(lambda world: on_one(case, world))
    assert all(torch.equal(each.norm, ranks[0].norm) for each in ranks)
    losses, of_embeddings, weight, of_weight, _ = (torch.cat(each).detach() for each in zip(*ranks, strict=True))
    return Learnt(losses, of_embeddings, weight, of_weight, ranks[0].norm)


@settings(max_examples=12)
@given(MARGINS, CLASSES, SEEDS)
def test_it_is_a_whole_head(name: str, classes: int, seed: int) -> None:
    case = Case(name, classes, seed)
    ours, (embeddings, labels) = learnt(case, 1), case.row()
    whole = CosineHead(EMBEDDING, classes, make_margin(name, 0.2), 30.0)
    with torch.no_grad():
        whole.weight.copy_(ours.weight)
    losses = CrossEntropy(0.0)(whole(embeddings.requires_grad_(), labels), labels)
    losses.sum().div(BATCH).backward()
    assert embeddings.grad is not None
    assert whole.weight.grad is not None
    torch.testing.assert_close(ours.losses, losses.detach(), atol=3e-5, rtol=1e-5)
    torch.testing.assert_close(ours.of_embeddings, embeddings.grad, atol=1e-4, rtol=1e-4)
    torch.testing.assert_close(ours.of_weight * MICRO_BATCHES, whole.weight.grad, atol=2e-3, rtol=1e-4)
    assert ours.norm.item() == pytest.approx(ours.of_weight.norm().item(), rel=1e-5)


@settings(max_examples=10)
@given(MARGINS, CLASSES, SEEDS, st.sampled_from((0.1, 1.0)), st.sampled_from((2, 4)))
def test_any_number_of_ranks_has_the_same_bits(name: str, classes: int, seed: int, sampled: float, size: int) -> None:
    case = Case(name, classes, seed, sampled)
    for what, one, many in zip(Learnt._fields, learnt(case, 1), learnt(case, size), strict=True):
        assert torch.equal(one, many), what


@given(SEEDS, st.floats(0.01, 1), st.lists(st.integers(0, 49), max_size=60))
def test_own_classes_are_always_compared(key: int, share: float, labels: list[int]) -> None:
    block = Block(3, 50 * BLOCKS, 2, 0)
    block.sample(torch.tensor(labels, dtype=torch.long) + block.first, share, key)
    assert block.rows is not None
    rows = block.rows.tolist()
    assert rows == sorted(set(rows))
    assert set(labels) <= set(rows) <= set(range(50))
    assert len(rows) == max(len(set(labels)), -(-int(share * 50 * 1e9) // 10**9))
    held, places = block.locate(block.first + torch.tensor(labels, dtype=torch.long))
    assert held.all()
    assert [rows[each] for each in places] == labels


def test_another_step_draws_others() -> None:
    def rows(step: int) -> list[list[int]]:
        head = Case("cosface", 1000, 0).head(World(0, 1, torch.device("cpu")))
        NegativeSampler(head, World(0, 1, torch.device("cpu")), 7, 0.3).draw(torch.tensor([5]), step)
        return [block.rows.tolist() for block in head.owned if block.rows is not None]

    assert rows(1) == rows(1) != rows(2)
    assert len({tuple(each) for each in rows(1)}) > 32  # and each block its own


def test_classes_that_are_not_compared_learn_nothing() -> None:
    ours = learnt(Case("arcface", 1000, 3, sampled=0.2), 1)
    touched = (ours.of_weight != 0).any(1).sum()
    assert 0.2 * 1000 <= touched <= 0.2 * 1000 + BLOCKS
    assert (ours.of_weight[Case("arcface", 1000, 3).row()[1]] != 0).any(1).all()


def test_a_class_far_from_all_is_no_infinity() -> None:
    """At a scale where the sum over other classes vanishes in float32."""
    head = PartialFCHead(
        2, 2, make_margin("cosface", 0.0), 500.0, World(0, 1, torch.device("cpu")), lambda block: block
    )
    with torch.no_grad():
        for block, row in zip(
            (each for each in head.owned if len(each.weight)), ([1.0, 0.0], [-1.0, 0.0]), strict=True
        ):
            block.weight.copy_(torch.tensor([row]))
    embeddings = torch.tensor([[1.0, 0.0], [1.0, 0.0]], requires_grad=True)
    losses = head(embeddings, torch.tensor([0, 1]))
    losses.sum().backward()
    assert losses.tolist() == pytest.approx([0.0, 1000.0])
    assert embeddings.grad is not None
    assert embeddings.grad.isfinite().all()
    assert all(each.grad is not None and each.grad.isfinite().all() for each in head.parameters())


def test_all_blocks_are_owned_once() -> None:
    for size in (1, 2, 4, 64):
        assert [block for rank in range(size) for block in owned_blocks(rank, size)] == list(range(BLOCKS))
    with pytest.raises(ValueError, match="cannot be shared by 3 ranks"):
        owned_blocks(0, 3)
    assert BLOCKS_OF_CLASSES == BLOCKS


def test_blocks_are_known_by_the_names_of_their_weights() -> None:
    head = Case("cosface", 100, 0).head(World(1, 2, torch.device("cpu")))
    assert list(find_blocks(head)) == [name for name, _ in head.named_parameters()]
    assert next(iter(find_blocks(head))) == "blocks.32.weight"
