"""Command `shardkit order DST`: prints the samples of one global batch, given its epoch and step or a saved state.

The result is the same on every machine and in every later version. Only the index is read.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from shardkit.cli.console import format_key, say, until_closed_pipe, write_stdout
from shardkit.cli.help import command
from shardkit.cli.options import FILE, FOLDER, SPLIT, Choice, Number
from shardkit.errors import UsageError
from shardkit.stream.checkpoint import restore, row_digest, validate_state
from shardkit.stream.opened_split import OpenedSplit, SourceSpec
from shardkit.stream.options import State
from shardkit.stream.order.epoch import Rank, rank_columns
from shardkit.stream.order.options import OrderOptions
from shardkit.stream.order.rng import ORDER_VERSION
from shardkit.stream.read.sample_index import EMPTY_SLOT, Field, IndexRows, slot_key

_BATCH = 64

_SPLIT = "train"


@dataclass(frozen=True)
class RowRequest:
    opened: OpenedSplit
    epoch: int
    step: int

    def __post_init__(self) -> None:
        if self.step >= self.opened.order.steps:
            raise UsageError(
                f"There is no row {self.step:,}: an epoch of {self.opened.source.folder} in this order has "
                f"{self.opened.order.steps:,}, counted from 0."
            )


def resolve_row(given: dict[str, Any]) -> RowRequest:
    """`given` has None for what was not said."""
    epoch, step, state, world = (given.pop(name) for name in ("epoch", "step", "state", "world_size"))
    folder, generation = given.pop("dst"), given.pop("generation")
    said = {name: value for name, value in given.items() if value is not None}
    if state is None:
        source = _source(folder, {"global_batch": _BATCH * (world or 1), **said})
        return RowRequest(OpenedSplit(source, generation), epoch or 0, step or 0)
    if said or generation is not None:
        first = next(iter([*said, "generation"]))
        option = {"global_batch": "batch", "shuffle": "no-shuffle"}.get(first, first.replace("_", "-"))
        raise UsageError(f"{state}: a state has all options of its order. Leave --{option} out.")
    return _before(folder, read_state(state), epoch, step)


def read_state(file: Path) -> State:
    try:
        state = json.loads(file.read_bytes())
    except (OSError, ValueError) as error:
        raise UsageError(
            f"{file}: no state can be read from it ({error}). Save one with json.dump(batch.state)."
        ) from None
    return validate_state(state if isinstance(state, dict) else {})


def _before(folder: Path, state: State, epoch: int | None, step: int | None) -> RowRequest:
    """The row that a state was saved behind, unless another is asked for."""
    source = _source(folder, state["options"])
    opened = restore(state, OpenedSplit(source, None))
    last = (state["epoch"], state["step"] - 1) if state["step"] else (state["epoch"] - 1, opened.order.steps - 1)
    if epoch is None and step is None and last[0] < 0:
        raise UsageError("This state stands before the first row of all: no row is behind it. Say --epoch and --step.")
    return RowRequest(opened, max(0, last[0]) if epoch is None else epoch, last[1] if step is None else step)


def _source(folder: Path, options: dict[str, Any]) -> SourceSpec:
    named = dict(options)
    split = named.pop("split", _SPLIT)
    try:
        return SourceSpec(folder, split, OrderOptions(**named), minutiae=False)
    except TypeError as error:
        raise UsageError(f"This is no state of a stream: its options cannot be meant ({error}).") from None


@command(
    headings={
        "--epoch": "Which row",
        "--split": "The order, as of StreamingDataset",
        "--json": "Output",
    },
    examples=(
        "shardkit order packed --epoch 3 --step 1200 --batch 256",
        "shardkit order packed --state state.json --world-size 8",
    ),
)
@click.argument("dst", type=FOLDER)
@click.option("--epoch", type=Number(0), metavar="E", help="Counted from 0.  [default: 0]")
@click.option("--step", type=Number(0), metavar="T", help="The row of the epoch, counted from 0.  [default: 0]")
@click.option(
    "--state", type=FILE, metavar="FILE", help="A saved `batch.state`, as JSON: the row behind which it was saved."
)
@click.option("--world-size", type=Number(1), metavar="W", help="Say too which of W ranks has a sample.")
@click.option("--split", type=SPLIT, metavar="NAME", help="The split that is streamed.  [default: train]")
@click.option("--batch", "global_batch", type=Number(1), metavar="B", help="Samples in a row.  [default: 64 a rank]")
@click.option(
    "--sampler", type=Choice(["uniform", "balanced", "pk", "pairs"]), help="How a row is drawn.  [default: uniform]"
)
@click.option("--impressions-per-subject", type=Number(1), metavar="K", help="Of the sampler pk.")
@click.option("--mated", type=float, metavar="SHARE", help="Of the sampler pairs.  [default: 0.5]")
@click.option("--hard", type=float, metavar="SHARE", help="Of the sampler pairs.  [default: 0.3]")
@click.option(
    "--tail", type=Choice(["drop", "wrap", "mask"]), help="What becomes of the last samples.  [default: drop]"
)
@click.option("--no-shuffle", is_flag=True, help="As the samples lie in the shards.")
@click.option("--seed", type=int, metavar="NUMBER", help="Of the shuffling.  [default: 0]")
@click.option("--block-rows", type=Number(1), metavar="ROWS", help="That a block shuffles.  [default: 512]")
@click.option("--subset", type=Number(1), metavar="SAMPLES", help="Only so many of them.  [default: all]")
@click.option("--generation", type=Number(0), metavar="NUMBER", help="Of the dataset.  [default: the newest]")
@click.option("--json", "as_json", is_flag=True, help="Print a JSON line for each column.")
def order(*, as_json: bool, no_shuffle: bool, world_size: int | None, **given: Any) -> None:  # noqa: ANN401 - click's values, each of the type that its option names
    """Print which samples a stream of DST serves in one row: its columns, and the key in each.

    The options are those of StreamingDataset. Only the index is read; whoever has it and these options knows every row
    of every epoch. A column without a sample has the key `-`.
    """
    row = resolve_row({**given, "world_size": world_size, "shuffle": False if no_shuffle else None})
    opened = row.opened
    whole = opened.source.ordering.global_batch
    own = len(rank_columns(Rank(0, world_size or 1), whole, opened.order.unit))
    numbers = opened.order.epoch(row.epoch).row(row.step)
    found = opened.lookup.rows(numbers)
    say(_heading(row, row_digest(numbers)))
    lines = _json(row, found, own if world_size else None) if as_json else _text(found, own if world_size else None)
    with until_closed_pipe():
        write_stdout("".join(f"{line}\n" for line in lines).encode())


def _heading(row: RowRequest, digest: str) -> str:
    source, generation = row.opened.source, row.opened.dataset.generation.number
    return (
        f"{source.folder}, split {source.split}, generation {generation}: epoch {row.epoch:,}, row {row.step:,} of "
        f"{row.opened.order.steps:,}, order version {ORDER_VERSION}, digest {digest}"
    )


def _text(found: IndexRows, own: int | None) -> Iterator[str]:
    """Column, rank where ranks are asked about, and key; `own` is how many columns a rank has."""
    width = len(str(len(found.numbers) - 1))
    for column in range(len(found.numbers)):
        rank = "" if own is None else f"{column // own:>4}"
        yield f"{column:>{width}}{rank}  {format_key(slot_key(found, column)) or '-'}"


def _json(row: RowRequest, found: IndexRows, own: int | None) -> Iterator[str]:
    shards = row.opened.lookup.shards
    for column, number in enumerate(found.numbers.tolist()):
        said: dict[str, object] = {"epoch": row.epoch, "step": row.step, "column": column}
        if own is not None:
            said["rank"] = column // own
        if number == EMPTY_SLOT:
            yield json.dumps({**said, "sample": None, "key": None})
        else:
            label, shard = int(found.figures[column, Field.LABEL]), shards[int(found.shards[column])].name
            yield json.dumps({**said, "sample": number, "key": slot_key(found, column), "label": label, "shard": shard})
