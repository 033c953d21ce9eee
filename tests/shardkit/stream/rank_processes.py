"""Ranks as real processes that meet in gloo: what each gives back, and how each ended; none may hang."""

import json
import logging
import multiprocessing
import os
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import torch
import torch.distributed

from shardkit.stream.dataset import StreamingDataset
from tests.shardkit.stream.streams import Rows, numbers

PATIENCE = 60
"""Seconds in which all ranks must have ended, whatever befalls one of them."""

Job = Callable[..., Any]


@dataclass(frozen=True)
class Ended:
    codes: list[int]
    results: list[Any]
    """Of each rank; None where it did not come so far."""


def launch(root: Path, world: int, job: Job, *args: Any) -> Ended:  # noqa: ANN401 - the job's own
    """Run a job on every rank."""
    root.mkdir(parents=True)
    context = multiprocessing.get_context("forkserver")
    ranks = [context.Process(target=_run, args=(root, rank, world, job, args)) for rank in range(world)]
    for rank in ranks:
        rank.start()
    until = time.monotonic() + PATIENCE
    for rank in ranks:
        rank.join(max(0, until - time.monotonic()))
    hanging = [rank for rank in ranks if rank.is_alive()]
    for rank in hanging:
        rank.kill()
        rank.join()
    assert not hanging, f"{len(hanging)} of {world} ranks hang"
    codes = [int(rank.exitcode or 0) for rank in ranks]
    for rank in ranks:
        rank.close()
    return Ended(codes, [_read(root / f"{rank}.json") for rank in range(world)])


def _run(root: Path, rank: int, world: int, job: Job, args: tuple[Any, ...]) -> None:
    os.environ["RANK"], os.environ["WORLD_SIZE"], os.environ["LOCAL_WORLD_SIZE"] = str(rank), str(world), str(world)
    torch.distributed.init_process_group(
        "gloo", init_method=f"file://{root}/meeting", rank=rank, world_size=world, timeout=timedelta(seconds=PATIENCE)
    )
    result = job(*args)
    (root / f"{rank}.json").write_text(json.dumps(result))
    torch.distributed.destroy_process_group()


def _read(path: Path) -> Any:  # noqa: ANN401 - JSON
    return json.loads(path.read_text()) if path.exists() else None


def trained(stream: StreamingDataset) -> Rows:
    """A rank's share of the rest of an epoch; in each step all ranks wait for each other, as DDP lets them."""
    given = []
    for batch in stream:
        met = torch.tensor([1.0])
        torch.distributed.all_reduce(met)
        assert met.item() == torch.distributed.get_world_size()
        given.append(numbers(batch))
    return given


def epochs(folder: Path, each: list[dict[str, Any]]) -> list[tuple[int, Rows]]:
    """What a rank is given of an epoch under several options, and how much its stream had promised."""
    streams = [StreamingDataset(folder, **options) for options in each]
    return [(len(stream), trained(stream)) for stream in streams]


def until_killed(folder: Path, checkpoint: Path, options: dict[str, Any], steps: int) -> None:
    """Rank 0 saves behind every step; after some steps the last rank is killed before it meets the others again."""
    rank, world = torch.distributed.get_rank(), torch.distributed.get_world_size()
    for step, batch in enumerate(StreamingDataset(folder, **options)):
        if step == steps and rank == world - 1:
            os.kill(os.getpid(), signal.SIGKILL)
        torch.distributed.all_reduce(torch.tensor([1.0]))
        if rank == 0:
            checkpoint.with_suffix(".new").write_text(json.dumps(batch.state))
            checkpoint.with_suffix(".new").replace(checkpoint)


def resumed(folder: Path, checkpoint: Path, options: dict[str, Any]) -> Rows:
    stream = StreamingDataset(folder, **options)
    stream.load_state_dict(json.loads(checkpoint.read_text()))
    return trained(stream)


def with_substitutes(folder: Path, options: dict[str, Any]) -> dict[str, Any]:
    """What a rank is given where samples are bad, what it says of them, and what it keeps."""
    told: list[str] = []
    handler = logging.Handler()
    handler.emit = lambda record: told.append(record.getMessage())  # type: ignore[method-assign]  # the least of a handler
    logging.getLogger("shardkit.stream").addHandler(handler)
    stream = StreamingDataset(folder, on_bad="substitute", **options)
    rows = trained(stream)
    return {"rows": rows, "told": told, "quarantine": [[bad.key, bad.instead] for bad in stream.quarantine]}


def joined(shares: list[Rows]) -> Rows:
    """Whole rows of what ranks were given."""
    return [[number for share in row for number in share] for row in zip(*shares, strict=True)]
