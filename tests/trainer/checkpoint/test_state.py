"""What four ranks saved two go on from, and one: each block in a file of its own, read by whoever owns it now."""

import json
from collections.abc import Mapping
from math import isnan
from threading import Lock

import pytest
import torch

from tests.trainer.ranks import Ranks
from trainer.build import build_network, build_state
from trainer.checkpoint.state import Progress, State
from trainer.config.schema import Amp, Config, Ema, Head, Optim, Run
from trainer.data import InputShape
from trainer.distributed.world import World
from trainer.network import Targets
from trainer.run_record import checkpoint_bytes


def test_patience_counts_the_routine_kind_alone() -> None:
    progress = Progress()
    assert progress.judged("subset", 0.2, routine=True)
    assert progress.judged("full", 0.3, routine=False)
    assert not progress.judged("subset", 0.2, routine=True)
    assert progress.judged("full", 0.25, routine=False)
    assert not progress.judged("subset", 0.21, routine=True)
    assert progress.stale == 2


def test_a_loss_that_is_no_number_is_not_counted() -> None:
    """fp16 may leave out such a row, and JSON has no word for it."""
    progress = Progress()
    progress.took(float("nan"), applied=False)
    json.dumps(progress.as_json(), allow_nan=False)
    progress.took(2.0, applied=True)
    assert progress.mean_loss() == 2.0
    progress.took(float("inf"), applied=False)
    assert isnan(progress.mean_loss())


def test_it_survives_json() -> None:
    progress = Progress()
    progress.took(1 / 3, applied=True)
    progress.judged("full", 0.1, routine=True)
    progress.judged("full", 0.2, routine=True)
    again = Progress(**json.loads(json.dumps(progress.as_json())))
    assert again == progress
    again.judged("full", 0.2, routine=True)
    assert again.stale == 2


def test_the_mean_is_of_the_rows_since_the_last_record() -> None:
    progress = Progress()
    for loss in (1.0, 2.0, 6.0):
        progress.took(loss, applied=True)
    assert progress.mean_loss() == 3.0
    progress.took(5.0, applied=False)
    assert progress.mean_loss() == 5.0
    assert (progress.step, progress.skipped, progress.skipped_in_a_row) == (4, 1, 1)


CLASSES = 70
"""So some blocks have one class, and some two."""

_ONE_GENERATOR = Lock()
"""Ranks that are threads share torch's, and would draw each other's first weights."""

Files = dict[str, dict[str, torch.Tensor]]


def fresh(world: World, seed: int, name: str) -> State:
    config = Config(
        run=Run(seed=seed),
        amp=Amp("off"),
        head=Head(sharded=True),
        optim=Optim(name=name),  # type: ignore[arg-type]  # one of its names
        ema=Ema(0.5),
    )
    with _ONE_GENERATOR:
        return build_state(config, build_network(config, CLASSES, InputShape(1, (32, 32)), world), world)


def learnt(state: State) -> State:
    """A step, by gradients that tell one weight from another."""
    for parameter in state.network.parameters():
        parameter.grad = parameter.detach() * 3
    state.optimizer.param_groups[0]["lr"] = 0.1
    state.optimizer.step()
    assert state.ema
    state.ema.update(state.network)
    return state


def saved(size: int, name: str) -> tuple[Files, int]:
    """What rank 0 writes, and how much any rank says that it takes."""
    said = Ranks(size).each(lambda world: saved_by(learnt(fresh(world, 0, name)), world))
    assert all(not files for files, _ in said[1:])
    assert len({nbytes for _, nbytes in said}) == 1
    return said[0]


def saved_by(state: State, world: World) -> tuple[Files, int]:
    return state.tensors(leads=world.is_main), checkpoint_bytes(state)


def resharded(files: Files, size: int, name: str) -> Files:
    def on(world: World) -> Files:
        state = fresh(world, 1, name)
        state.load({each: files[each] for each in files if state.reads(each)}, state.facts())
        return state.tensors(leads=world.is_main)

    return Ranks(size).each(on)[0]


def assert_same(one: Mapping[str, Mapping[str, torch.Tensor]], other: Files) -> None:
    assert one.keys() == other.keys()
    for file, tensors in one.items():
        assert tensors.keys() == other[file].keys()
        assert all(torch.equal(each, other[file][name]) for name, each in tensors.items()), file


@pytest.mark.parametrize("name", ["sgd", "adamw"])
def test_other_owners_have_the_same_blocks(name: str) -> None:
    files, nbytes = saved(4, name)
    assert_same(files, saved(1, name)[0])
    for size in (1, 2):
        assert_same(files, resharded(files, size, name))
    tensors = [each for file in files.values() for each in file.values()]
    assert sum(each.nbytes for each in tensors if each.ndim) == pytest.approx(nbytes, rel=1e-3)


def test_a_file_for_each_block_by_clear_names() -> None:
    files, _ = saved(2, "adamw")
    assert {each for each in files if each.startswith("head-")} == {f"head-{each:02}" for each in range(64)}
    weight = "objective.classes.heads.0.weight"
    optimizer = {f"optimizer.{weight}.{each}" for each in ("exp_avg", "exp_avg_sq", "step")}
    assert files["head-07"].keys() == {f"model.{weight}", f"ema.{weight}", *optimizer}
    assert sum(len(files[f"head-{each:02}"][f"model.{weight}"]) for each in range(64)) == CLASSES
    whole = [name for each in ("model", "ema", "optimizer") for name in files[each]]
    assert not [name for name in whole if "heads.0" in name]


def test_a_rank_reads_its_own_blocks_alone() -> None:
    state = fresh(Ranks(4).each(lambda world: world)[1], 0, "sgd")
    files = ["model", "ema", "optimizer", *(f"head-{each:02}" for each in range(64))]
    assert [each for each in files if state.reads(each)] == files[:3] + files[3 + 16 : 3 + 32]


SEEN = InputShape(1, (32, 32))

WORLD = World(0, 1, torch.device("cpu"))


def fresh_training_state(name: str) -> State:
    config = Config(amp=Amp("off"), optim=Optim(name=name), ema=Ema(0.9))  # type: ignore[arg-type]  # one of its names
    return build_state(config, build_network(config, 5, SEEN, WORLD), WORLD)


def learn(state: State, steps: range) -> None:
    for step in steps:
        images = torch.randn(4, 1, 32, 32, generator=torch.Generator().manual_seed(step))
        state.network(images, Targets(torch.tensor([0, 1, 2, 3]))).sum().backward()
        for group in state.optimizer.param_groups:
            group["lr"] = 0.01
        state.optimizer.step()
        state.optimizer.zero_grad()
        assert state.ema
        state.ema.update(state.network)
        state.progress.took(float(step), applied=True)


@pytest.mark.parametrize("name", ["sgd", "adam", "adamw"])
def test_taken_up_it_ends_with_the_same_bits(name: str) -> None:
    straight, first, second = fresh_training_state(name), fresh_training_state(name), fresh_training_state(name)
    learn(straight, range(6))
    learn(first, range(3))
    second.load(first.tensors(leads=True), json.loads(json.dumps(first.facts())))
    learn(second, range(3, 6))

    assert second.facts() == straight.facts()
    for kind, tensors in straight.tensors(leads=True).items():
        there = second.tensors(leads=True)[kind]
        assert there.keys() == tensors.keys()
        assert all(torch.equal(there[each], tensors[each]) for each in tensors), kind


def test_a_snapshot_stays_as_it_was() -> None:
    state = fresh_training_state("adamw")
    before = state.tensors(leads=True)
    kept = {name: each.clone() for name, each in before["model"].items()}
    learn(state, range(2))
    assert all(torch.equal(kept[name], each) for name, each in before["model"].items())


def test_names_say_nothing_of_wrapping() -> None:
    state = fresh_training_state("adamw")
    learn(state, range(1))
    names = [name for tensors in state.tensors(leads=True).values() for name in tensors]
    assert not [name for name in names if "module." in name or "_orig_mod" in name]
    assert "backbone.stem.weight.exp_avg" in names


def test_first_weights_come_from_the_seed_alone() -> None:
    torch.manual_seed(1)
    one = fresh_training_state("sgd").network.state_dict()
    torch.manual_seed(2)
    other = fresh_training_state("sgd").network.state_dict()
    assert all(torch.equal(one[name], other[name]) for name in one)
