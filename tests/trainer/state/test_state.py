"""A state goes through named tensors and JSON, and learns on as if nothing had happened."""

import json

import pytest
import torch

from trainer.build import build_network, build_state
from trainer.checkpoint.state import State
from trainer.config.schema import Amp, Config, Ema, Optim
from trainer.data import InputShape
from trainer.distributed.world import World
from trainer.network import Targets

SEEN = InputShape(1, (32, 32))
WORLD = World(0, 1, torch.device("cpu"))


def fresh(name: str) -> State:
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
    straight, first, second = fresh(name), fresh(name), fresh(name)
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
    state = fresh("adamw")
    before = state.tensors(leads=True)
    kept = {name: each.clone() for name, each in before["model"].items()}
    learn(state, range(2))
    assert all(torch.equal(kept[name], each) for name, each in before["model"].items())


def test_names_say_nothing_of_wrapping() -> None:
    state = fresh("adamw")
    learn(state, range(1))
    names = [name for tensors in state.tensors(leads=True).values() for name in tensors]
    assert not [name for name in names if "module." in name or "_orig_mod" in name]
    assert "backbone.stem.weight.exp_avg" in names


def test_first_weights_come_from_the_seed_alone() -> None:
    torch.manual_seed(1)
    one = fresh("sgd").network.state_dict()
    torch.manual_seed(2)
    other = fresh("sgd").network.state_dict()
    assert all(torch.equal(one[name], other[name]) for name in one)
