"""One row, one update: accumulated as the mean of its micro-batches, drawn by step and place, and applied or not."""

from collections.abc import Iterator
from dataclasses import replace

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from trainer.augment.pipeline import Augmentation
from trainer.build import build_network, build_state, build_step
from trainer.checkpoint.state import State
from trainer.config import schema
from trainer.config.schema import Amp, Config, Data, Ema, Model, Optim
from trainer.config.settings import with_values
from trainer.data import Batch, InputShape, MicroBatch
from trainer.distributed.world import World
from trainer.errors import Diverged
from trainer.train_step import MAX_SKIPPED_STEPS, TrainStep, seed_all

CPU = torch.device("cpu")
SEEN = InputShape(1, (32, 32))
ALONE = World(0, 1, CPU)
CONFIG = Config(
    data=Data("packed", global_batch=8, micro_batch=2),
    model=Model(width=0.25, embedding=8),
    optim=Optim(name="sgd", momentum=0.0, weight_decay=0.0, clip=0.0),
    ema=Ema(0.5),
    amp=Amp("off"),
    augment=schema.Augment(ridge_period=0),
)
NUMBERS = st.integers(0, 2**40)


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def row(seed: int = 0, broken: bool = False) -> Batch:  # noqa: FBT001, FBT002 - a row's one fault
    chance = torch.Generator().manual_seed(seed)
    images = torch.randint(0, 256, (8, 1, 32, 32), generator=chance, dtype=torch.uint8)
    parts = (torch.split(each, 2) for each in (images, torch.arange(8) % 5, torch.arange(8)))
    micro_batches = tuple(MicroBatch(number, *part) for number, part in enumerate(zip(*parts, strict=True)))
    if broken:
        micro_batches = (
            *micro_batches[:2],
            replace(micro_batches[2], images=micro_batches[2].images / torch.tensor(0.0)),
            micro_batches[3],
        )
    return Batch(micro_batches, 0.0, 0.25, 0, dict, lambda: [f"key-{number}" for number in range(8)])


def made(**values: object) -> tuple[State, TrainStep]:
    config = with_values(CONFIG, values)
    state = build_state(config, build_network(replace(config, amp=Amp("off")), 5, SEEN, ALONE), ALONE)
    return state, build_step(config, state, Augmentation(config.augment, 0), ALONE)


def snapshot(state: State) -> dict[str, torch.Tensor]:
    whole = state.tensors(leads=True)
    return {f"{kind}/{name}": each for kind, tensors in whole.items() for name, each in tensors.items()}


def gradient(state: State) -> torch.Tensor:
    return torch.cat([each.grad.flatten() for each in state.network.parameters() if each.grad is not None])


@given(st.tuples(NUMBERS, NUMBERS, NUMBERS), st.tuples(NUMBERS, NUMBERS, NUMBERS))
def test_each_micro_batch_draws_its_own(one: tuple[int, int, int], other: tuple[int, int, int]) -> None:
    def drawn(key: tuple[int, int, int]) -> int:
        seed_all(*key)
        return int(torch.randint(2**62, ()).item())

    assert (drawn(one) == drawn(other)) == (one == other)


@pytest.mark.parametrize("reduce", ["ddp", "exact"])
def test_a_row_is_the_mean_of_its_micro_batches(reduce: str) -> None:
    state, step = made(**{"optim.reduce": reduce})
    alone = list[torch.Tensor]()
    for each in row().micro_batches:
        own, of_one = made(**{"optim.reduce": reduce, "data.global_batch": 2})
        of_one.forward_backward_all(replace(row(), micro_batches=(replace(each, number=0),)))
        alone.append(gradient(own))
    said, norm = step.forward_backward_all(row())
    torch.testing.assert_close(gradient(state), torch.stack(alone).mean(0), atol=1e-5, rtol=1e-4)
    assert norm == pytest.approx(gradient(state).norm().item(), rel=1e-5)
    assert len(said.losses) == 4
    assert said.waits == (0.25,)


def test_the_norm_is_told_before_it_is_clipped() -> None:
    plain, step = made()
    _, norm = step.forward_backward_all(row())
    clipped, step = made(**{"optim.clip": 0.5})
    assert step.forward_backward_all(row())[1] == norm > 0.5
    torch.testing.assert_close(gradient(clipped), gradient(plain) * (0.5 / norm))


def test_the_rate_is_the_one_that_was_handed_in() -> None:
    state, step = made()
    before = snapshot(state)
    step(row(), 0.0, 0)
    assert torch.equal(before["model/backbone.stem.weight"], snapshot(state)["model/backbone.stem.weight"])
    step(row(), 0.1, 0)
    assert not torch.equal(before["model/backbone.stem.weight"], snapshot(state)["model/backbone.stem.weight"])
    assert state.progress.step == 2


@pytest.mark.parametrize("reduce", ["ddp", "exact"])
def test_a_warm_up_leaves_nothing_behind(reduce: str) -> None:
    state, step = made(**{"optim.reduce": reduce})
    fresh, other = made(**{"optim.reduce": reduce})
    step.warm_up(row(9).micro_batches[0])
    assert all(each.grad is None for each in state.network.parameters())
    step(row(), 0.1, 0)
    other(row(), 0.1, 0)
    ours, theirs = snapshot(state), snapshot(fresh)
    assert [name for name in theirs if not torch.equal(ours[name], theirs[name])] == []


def test_an_overflow_is_left_out_and_halves_the_scale() -> None:
    """Of a scale that no gradient survives: weights, averages, statistics and momentum stay as they were."""
    state, step = made(**{"amp.dtype": "fp16", "amp.init_scale": 2.0**126, "optim.momentum": 0.9})
    before = snapshot(state)
    outcome = step(row(), 0.1, 0)
    after = snapshot(state)
    assert not outcome.applied
    assert [name for name in before if not torch.equal(before[name], after[name])] == []
    assert after.keys() == before.keys()
    assert state.scaler
    assert state.scaler.scale == 2.0**125
    assert (state.progress.step, state.progress.skipped, state.progress.skipped_in_a_row) == (1, 1, 1)


def test_a_scale_changes_no_gradient() -> None:
    plain, step = made()
    step.forward_backward_all(row())
    scaled, other = made(**{"amp.dtype": "fp16", "amp.init_scale": 1024.0})
    other.forward_backward_all(row())
    torch.testing.assert_close(gradient(scaled), gradient(plain), atol=1e-6, rtol=1e-4)


def test_overflows_without_end_are_a_divergence() -> None:
    state, step = made(**{"amp.dtype": "fp16", "amp.init_scale": 2.0**126})
    state.progress.skipped_in_a_row = MAX_SKIPPED_STEPS
    with pytest.raises(Diverged, match="Step 1: the loss is not finite in the gradients, though no loss is"):
        step(row(), 0.1, 0)


def test_a_loss_that_is_no_number_names_the_samples_of_its_micro_batch() -> None:
    state, step = made(**{"head.name": "softmax"})
    before = snapshot(state)
    with pytest.raises(Diverged, match=r"in micro-batches 2\. .* Samples here: key-4, key-5\. Try"):
        step(row(broken=True), 0.1, 0)
    after = snapshot(state)
    assert [name for name in before if not torch.equal(before[name], after[name])] == []


def test_what_was_left_out_weighs_on_no_later_row() -> None:
    """Sums of a row that was not applied are dropped, also by the exact way of adding."""
    state, step = made(**{"optim.reduce": "exact", "head.name": "softmax"})
    fresh, other = made(**{"optim.reduce": "exact", "head.name": "softmax"})
    with pytest.raises(Diverged):
        step(row(broken=True), 0.1, 0)
    step(row(), 0.1, 0)
    other(row(), 0.1, 0)
    ours, theirs = snapshot(state), snapshot(fresh)
    assert [name for name in theirs if not torch.equal(ours[name], theirs[name])] == []


@pytest.mark.parametrize("asked", [0, 2, 15])
def test_a_wish_to_stop_rides_on_the_row(asked: int) -> None:
    _, step = made()
    assert step(row(), 0.1, asked).said.signal == asked
