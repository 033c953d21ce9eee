"""What four ranks saved two go on from, and one: each block in a file of its own, read by whoever owns it now."""

from collections.abc import Mapping
from threading import Lock

import pytest
import torch

from tests.trainer.ranks import Ranks
from trainer.build import build_network, build_state
from trainer.checkpoint.state import State
from trainer.config.schema import Amp, Config, Ema, Head, Optim, Run
from trainer.data import InputShape
from trainer.distributed.world import World
from trainer.run_record import checkpoint_bytes

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
