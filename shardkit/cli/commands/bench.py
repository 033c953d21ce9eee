"""Command `shardkit bench DST`: measures how fast this machine streams a dataset, and names the bottleneck."""

from dataclasses import asdict
from pathlib import Path
from shutil import get_terminal_size
from textwrap import wrap
from typing import TYPE_CHECKING, Any

import click

from shardkit.cli.commands.bench_report import find_bottleneck, report_lines
from shardkit.cli.console import emit, say
from shardkit.cli.help import command
from shardkit.cli.options import FOLDER, SPLIT, Choice, Number, parse_thread_counts, powers_of_two
from shardkit.cli.progress import show_progress
from shardkit.errors import UsageError

if TYPE_CHECKING:
    from shardkit.stream.profiling import Profiler, Rate

_LONGEST_LINE = 100


@command(
    headings={"--split": "What is measured", "--color": "Pixels", "--json": "Output"},
    examples=("shardkit bench packed", "shardkit bench packed --size 299 --color rgb --threads 1,8"),
)
@click.argument("dst", type=FOLDER)
@click.option("--split", type=SPLIT, default="train", show_default=True, metavar="NAME", help="The split to stream.")
@click.option("--batch", type=Number(1), default=64, show_default=True, metavar="B", help="Samples in a batch.")
@click.option("--threads", metavar="T,T…", help="How many to measure with.  [default: 1,2,4 … up to the cores]")
@click.option(
    "--seconds",
    type=Number(0.01, 3600, float),
    default=2.0,
    show_default=True,
    metavar="SECONDS",
    help="For each measurement.",
)
@click.option("--cold", is_flag=True, help="Forget the shards before each epoch, so that the disk is measured.")
@click.option("--color", type=Choice(["gray", "rgb", "keep"]), default="keep", show_default=True, help="Channels.")
@click.option("--size", type=Number(1, 16384), metavar="PIXELS", help="Resize to a square of so many pixels.")
@click.option(
    "--fit", type=Choice(["pad", "crop", "stretch"]), default="pad", show_default=True, help="How --size is met."
)
@click.option("--as-list", is_flag=True, help="Images of mixed sizes, each as a tensor of its own.")
@click.option("--json", "as_json", is_flag=True, help="Print each rate, and the verdict, as a JSON line.")
def bench(dst: Path, *, threads: str | None, seconds: float, cold: bool, as_json: bool, **given: Any) -> None:  # noqa: ANN401 - click's values, each of the type that its option names
    """Measure a stream of DST on this machine: reading, digests, decoding, and how threads add to it.

    Each rate is that of the stream itself with its later steps left out, over rows in a shuffled order. Nothing is
    written. What else runs on the machine is measured too: let it rest.
    """
    asked = parse_thread_counts(threads) if threads else None
    try:
        from shardkit.cli.commands.bench_probe import prepare_bench  # noqa: PLC0415 - the only command that cannot do without torch
    except ModuleNotFoundError as missing:
        if missing.name != "torch":
            raise
        raise UsageError("A stream needs torch, which is not installed: pip install 'shardkit[train]'.") from None
    width = min(get_terminal_size().columns, _LONGEST_LINE)
    begin = prepare_bench(dst, cold=cold, **given)
    for line in wrap(begin.title, width, break_long_words=False):
        say(line)
    rates = _measure_rates(begin.probe, asked or powers_of_two(begin.data.cores), seconds, copies=not given["as_list"])
    verdict = find_bottleneck(rates, begin.data)
    if as_json:
        for rate in rates:
            emit(asdict(rate))
        emit({"folder": str(dst), "data": asdict(begin.data), "verdict": asdict(verdict)})
    for pieces in report_lines(rates, begin.data, verdict, width):
        say(*pieces)


def _measure_rates(probe: "Profiler", threads: list[int], seconds: float, *, copies: bool) -> "list[Rate]":
    from shardkit.stream.profiling import Stage  # noqa: PLC0415 - see above

    wanted = [(step, count) for count in threads for step in Stage if copies or step is not Stage.COPY]
    rates = []
    with show_progress("measurements", len(wanted)) as shown:
        for step, count in wanted:
            rates.append(probe.rate(step, count, seconds))
            shown.advance()
    return rates
