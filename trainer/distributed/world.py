"""Process group of a job: rank, size, device, and the collectives that the trainer uses.

torchrun sets the environment. Without it the process is a group of one and every collective is the identity, so no
other module distinguishes the two. A rank dies with its torchrun agent: after a SIGKILL of torchrun, orphans would
otherwise continue to train.
"""

import ctypes
import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, TypeVar

import torch
import torch.distributed as dist
from torch._C._distributed_c10d import PrefixStore, Store, TCPStore

from trainer.config.schema import System
from trainer.errors import UsageError

_PR_SET_PDEATHSIG = 1


def die_with_parent() -> None:
    """Only under torchrun: a shell that started the process alone may well end before it. Only Linux can."""
    if "TORCHELASTIC_RUN_ID" not in os.environ:
        return
    agent = os.getppid()
    prctl = getattr(ctypes.CDLL(None), "prctl", None)
    if prctl is not None:
        prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if agent == 1 or os.getppid() != agent:  # it died before we asked
        os.kill(os.getpid(), signal.SIGKILL)


T = TypeVar("T")


@dataclass(frozen=True)
class World:
    rank: int
    size: int
    device: torch.device
    neighbours: int = 1
    """Ranks on this machine, which share its cores."""

    @property
    def is_main(self) -> bool:
        return self.rank == 0

    def all_reduce(self, values: torch.Tensor) -> torch.Tensor:
        """In place, over all ranks."""
        if self.size > 1:
            dist.all_reduce(values)
        return values

    def all_gather(self, values: torch.Tensor) -> torch.Tensor:
        """The tensors of all ranks, which have one shape, one behind the other."""
        if self.size == 1:
            return values
        parts = [torch.empty_like(values) for _ in range(self.size)]
        dist.all_gather(parts, values.contiguous())
        return torch.cat(parts)

    def gather_to_main(self, values: torch.Tensor) -> list[torch.Tensor]:
        """The tensors of all ranks, which have one shape, to rank 0; to the others nothing."""
        if self.size == 1:
            return [values]
        parts = [torch.empty_like(values) for _ in range(self.size)] if self.is_main else None
        dist.gather(values.contiguous(), parts)
        return parts or []

    def broadcast_object(self, value: T) -> T:
        """What rank 0 says."""
        if self.size == 1:
            return value
        said: list[Any] = [value]
        dist.broadcast_object_list(said, src=0)
        return said[0]  # type: ignore[no-any-return]  # it is what rank 0 handed in

    def all_true(self, yes: bool) -> bool:  # noqa: FBT001 - it is the whole message
        return bool(self.all_reduce(torch.tensor(int(yes), device=self.device)).item() == self.size)


@contextmanager
def distributed_session(system: System) -> Iterator[World]:
    """The world while this block runs. Ranks that fail do not wait for each other to say goodbye."""
    rank, size = _number("RANK", 0), _number("WORLD_SIZE", 1)
    device = _device(system.device, _number("LOCAL_RANK", 0))
    if "RANK" not in os.environ:
        yield World(0, 1, device)
        return
    patience = timedelta(seconds=system.first_timeout)
    backend = "nccl" if device.type == "cuda" else "gloo"
    dist.init_process_group(backend, timeout=patience, store=_store(size, patience), rank=rank, world_size=size)
    yield World(rank, size, device, _number("LOCAL_WORLD_SIZE", size))
    with suppress(RuntimeError):  # another rank may be gone already
        dist.destroy_process_group()


def _store(size: int, patience: timedelta) -> Store | None:
    """Where ranks leave their addresses. torchrun hands the same one to each restart, and ranks would find the
    addresses of those that died before: so each attempt writes below a name of its own.
    """
    if os.environ.get("TORCHELASTIC_USE_AGENT_STORE") != "True":
        return None  # torch makes one
    whole = TCPStore(os.environ["MASTER_ADDR"], int(os.environ["MASTER_PORT"]), size, is_master=False, timeout=patience)
    return PrefixStore(f"attempt-{_number('TORCHELASTIC_RESTART_COUNT', 0)}-of-{size}", whole)


def _number(name: str, without: int) -> int:
    return int(os.environ.get(name, without))


def _device(asked: str, local_rank: int) -> torch.device:
    if asked == "cuda" and not torch.cuda.is_available():
        raise UsageError("system.device is cuda, and torch finds no CUDA device here. Say cpu, or auto.")
    if asked == "cpu" or not torch.cuda.is_available():
        return torch.device("cpu")
    if local_rank >= torch.cuda.device_count():
        raise UsageError(
            f"Rank {local_rank} of this machine has no GPU of its own: there are {torch.cuda.device_count()}. Start so "
            "many ranks with --nproc_per_node, or set system.device to cpu."
        )
    device = torch.device("cuda", local_rank)
    torch.cuda.set_device(device)
    return device
