"""The network between ranks: whether the first machine can be reached, and how fast they add up."""

import socket
import time

import torch

from trainer.commands.findings import Findings
from trainer.errors import UsageError
from trainer.world.ranks import World

GUIDE_GBIT, GUIDE_MS = 10.0, 1.0
"""What the guides ask of a network between nodes."""
_BULK, _REPEATS = 16 << 20, 5
_PATIENCE = 5.0


def reached(master: str, found: Findings) -> None:
    """HOST:PORT, before a job is started: something must listen there, torchrun's first agent for example."""
    host, _, port = master.rpartition(":")
    if not host or not port.isdecimal():
        raise UsageError(f"--master is {master!r}, and it must be HOST:PORT.")
    try:
        socket.create_connection((host.strip("[]"), int(port)), timeout=_PATIENCE).close()
    except (OSError, OverflowError) as error:
        found.bad(
            f"{master} cannot be reached from here ({_why(error)}). It answers while the first machine's torchrun "
            "waits for the others: start that one first, with this host and port, then look at firewall and routes."
        )
    else:
        found.good(f"{master} can be reached from here")


def measured(found: Findings) -> None:
    """All-reduce: the seconds of nearly nothing, and of many bytes."""
    world = found.world
    latency = _seconds(world, 8)
    bulk = _seconds(world, _BULK)
    # Each rank sends and receives 2 (W - 1) / W of what is reduced.
    gbit = _BULK * 8 * 2 * (world.size - 1) / world.size / bulk / 1e9
    text = f"all-reduce: {latency * 1e3:.2f} ms for 8 bytes, {gbit:.1f} Gbit/s for {_BULK >> 20} MiB"
    if latency * 1e3 > GUIDE_MS or gbit < GUIDE_GBIT:
        found.advice(
            f"{text}. Between nodes {GUIDE_MS:g} ms and {GUIDE_GBIT:g} Gbit/s are enough; less makes ranks wait."
        )
    else:
        found.good(text)


def _seconds(world: World, size: int) -> float:
    values = torch.zeros(size // 4, device=world.device)
    best = float("inf")
    for _ in range(_REPEATS):
        world.all_say(True)  # they start together  # noqa: FBT003
        began = time.perf_counter()
        world.sum(values)
        float(values[0])  # it is done now
        best = min(best, time.perf_counter() - began)
    return best


def _why(error: Exception) -> str:
    return getattr(error, "strerror", None) or str(error)
