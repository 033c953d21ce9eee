"""Command `shardkit ls DST`: lists the keys of a dataset."""

import json
import os
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from shardkit.cli.console import format_key, until_closed_pipe, write_stdout
from shardkit.cli.help import command
from shardkit.cli.options import FOLDER, SPLIT, SUBJECT
from shardkit.reader.dataset import open_dataset, select

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from shardkit.reader.dataset import Dataset
    from shardkit.schema import Sample, Shard


@command(
    headings={"--split": "Which", "--long": "Output"},
    examples=("shardkit ls packed --split val", "shardkit ls packed --subject 000123 --long"),
)
@click.argument("dst", type=FOLDER)
@click.option("--split", type=SPLIT, metavar="NAME", help="Of this split alone.")
@click.option("--subject", type=SUBJECT, metavar="S", help="Of this subject alone.")
@click.option("--long", "in_full", is_flag=True, help="With bytes, pixels, label, split and sidecars.")
@click.option("--json", "as_json", is_flag=True, help="Print all that the index knows of a sample as a JSON line.")
def ls(dst: Path, split: str | None, subject: str | None, *, in_full: bool, as_json: bool) -> None:
    """List the keys of the samples in DST, one a line, in the order of the shards."""
    dataset = open_dataset(dst)
    only = select(dataset, split, subject)
    line = _json if as_json else _long if in_full else None
    with until_closed_pipe():
        for shard in only.shards:
            write_stdout(_text(dataset, shard, only.subject, line))


def _text(
    dataset: "Dataset", shard: "Shard", subject: str | None, line: "Callable[[Shard, Sample], str] | None"
) -> bytes:
    view = dataset[shard.split]
    lines: Iterable[str] = (
        map(format_key, view.keys(shard, subject))
        if line is None
        else (line(shard, sample) for sample in view.iterate_samples(shard, subject))
    )
    return "".join(f"{each}\n" for each in lines).encode()


def _long(shard: "Shard", sample: "Sample") -> str:
    size = sum(member.size for member in sample.members)
    pixels = f"{sample.width} x {sample.height} x {sample.channels}"
    endings = " ".join(member.ext for member in sample.members)
    return (
        f"{size:>11,}  {pixels:<15} {sample.bit_depth:>2} bit  {sample.label:>7}  "
        f"{shard.split:<7} {format_key(sample.key)}  {format_key(endings)}"
    )


def _json(shard: "Shard", sample: "Sample") -> str:
    return json.dumps({"split": shard.split, "shard": shard.name, **_plain(asdict(sample))})


def _plain(value: Any) -> Any:  # noqa: ANN401 - whatever a sample is made of
    """Digests as hex, and a path as text that JSON can hold."""
    if isinstance(value, dict):
        return {name: os.fsdecode(own) if name == "source" else _plain(own) for name, own in value.items()}
    if isinstance(value, tuple):
        return [_plain(each) for each in value]
    return value.hex() if isinstance(value, bytes) else value
