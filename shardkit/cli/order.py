"""`shardkit order DST --epoch E --step T`: which samples stand in a row of an epoch, now and for ever."""

import json
from collections.abc import Iterator
from typing import Any

import click

from shardkit.cli.command import command
from shardkit.cli.console import say
from shardkit.cli.ls import shown
from shardkit.cli.names import SPLIT
from shardkit.cli.order_request import Asked, asked
from shardkit.cli.output import put, while_read
from shardkit.cli.parameters import FILE, FOLDER
from shardkit.cli.values import Choice, Number
from shardkit.stream.columns import Figure
from shardkit.stream.lookup import NOBODY, Found
from shardkit.stream.permutation import ORDER_VERSION
from shardkit.stream.shares import Rank, columns_of
from shardkit.stream.slots import key_of
from shardkit.stream.state import digest_of


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
    row = asked({**given, "world_size": world_size, "shuffle": False if no_shuffle else None})
    opened = row.opened
    whole = opened.source.ordering.global_batch
    own = len(columns_of(Rank(0, world_size or 1), whole, opened.order.unit))
    numbers = opened.order.epoch(row.epoch).row(row.step)
    found = opened.lookup.find(numbers)
    say(_heading(row, digest_of(numbers)))
    lines = _json(row, found, own if world_size else None) if as_json else _text(found, own if world_size else None)
    with while_read():
        put("".join(f"{line}\n" for line in lines).encode())


def _heading(row: Asked, digest: str) -> str:
    source, generation = row.opened.source, row.opened.dataset.generation.number
    return (
        f"{source.folder}, split {source.split}, generation {generation}: epoch {row.epoch:,}, row {row.step:,} of "
        f"{row.opened.order.steps:,}, order version {ORDER_VERSION}, digest {digest}"
    )


def _text(found: Found, own: int | None) -> Iterator[str]:
    """Column, rank where ranks are asked about, and key; `own` is how many columns a rank has."""
    width = len(str(len(found.numbers) - 1))
    for column in range(len(found.numbers)):
        rank = "" if own is None else f"{column // own:>4}"
        yield f"{column:>{width}}{rank}  {shown(key_of(found, column)) or '-'}"


def _json(row: Asked, found: Found, own: int | None) -> Iterator[str]:
    shards = row.opened.lookup.shards
    for column, number in enumerate(found.numbers.tolist()):
        said: dict[str, object] = {"epoch": row.epoch, "step": row.step, "column": column}
        if own is not None:
            said["rank"] = column // own
        if number == NOBODY:
            yield json.dumps({**said, "sample": None, "key": None})
        else:
            label, shard = int(found.figures[column, Figure.LABEL]), shards[int(found.shards[column])].name
            yield json.dumps({**said, "sample": number, "key": key_of(found, column), "label": label, "shard": shard})
