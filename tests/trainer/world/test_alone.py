"""A process alone is a world of its own, in which every exchange is the identity."""

import pytest
import torch
import torch.distributed as dist

from trainer.config.schema import System
from trainer.distributed.world import World, distributed_session
from trainer.errors import UsageError

ALONE = World(0, 1, torch.device("cpu"))


def test_every_exchange_is_the_identity() -> None:
    values, said = torch.tensor([1.5, -2.0]), {"step": 3}
    assert ALONE.is_main
    assert ALONE.all_reduce(values) is values
    assert ALONE.all_gather(values) is values
    assert values.tolist() == [1.5, -2.0]
    assert ALONE.broadcast_object(said) is said
    assert ALONE.all_true(yes=True)
    assert not ALONE.all_true(yes=False)


def test_without_torchrun_nobody_is_met(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("RANK", "WORLD_SIZE", "LOCAL_RANK"):
        monkeypatch.delenv(name, raising=False)
    with distributed_session(System(device="cpu")) as world:
        assert world == ALONE
        assert not dist.is_initialized()


def test_a_device_that_is_not_there_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with (
        pytest.raises(UsageError, match=r"torch finds no CUDA device here. Say cpu, or auto."),
        distributed_session(System("cuda")),
    ):
        pass


def test_more_ranks_than_devices_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    monkeypatch.setenv("LOCAL_RANK", "2")
    with (
        pytest.raises(UsageError, match=r"Rank 2 of this machine has no GPU of its own: there are 2."),
        distributed_session(System()),
    ):
        pass
