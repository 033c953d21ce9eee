"""Little checkpoints: what is in them follows from their step."""

from pathlib import Path

import torch

from trainer.checkpoint.store import CheckpointRef, load_tensors
from trainer.checkpoint.writer import CheckpointWriter

Files = dict[str, dict[str, torch.Tensor]]


def files(step: int) -> Files:
    weight = torch.arange(6.0).view(2, 3) + step
    return {
        "model": {"weight": weight, "half": weight.to(torch.bfloat16), "count": torch.tensor(step)},
        "optimizer": {"weight.exp_avg": weight / 3},
    }


def state(step: int) -> dict[str, object]:
    return {"progress": {"step": step, "loss": 1 / 3}}


def saved(run: Path, *steps: int, keep: int = 3, best: tuple[int, ...] = ()) -> None:
    run.mkdir(exist_ok=True)
    writer = CheckpointWriter(run, keep)
    for step in steps:
        writer.save(step, files(step), state(step), best=step in best)
    writer.close()


def assert_whole(found: CheckpointRef) -> None:
    loaded = load_tensors(found.folder)
    for name, tensors in files(found.step).items():
        assert all(torch.equal(loaded[name][each], tensors[each]) for each in tensors)
        assert all(loaded[name][each].dtype == tensors[each].dtype for each in tensors)
    assert found.state["progress"] == state(found.step)["progress"]


def warned(_: str) -> None:
    """Nobody listens."""
