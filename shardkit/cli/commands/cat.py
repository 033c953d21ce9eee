"""Command `shardkit cat DST KEY`: writes the bytes of one image or sidecar to stdout."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from shardkit.cli.console import until_closed_pipe, write_stdout
from shardkit.cli.help import command
from shardkit.cli.options import FOLDER, KEY, SPLIT
from shardkit.errors import UsageError
from shardkit.reader.dataset import NotThere, nearest_key, open_dataset

if TYPE_CHECKING:
    from shardkit.reader.dataset import Dataset, Split
    from shardkit.reader.shard import Record


@command(examples=("shardkit cat packed 000123/04 > print.png", "shardkit cat packed 000123/04 --ext mnt"))
@click.argument("dst", type=FOLDER)
@click.argument("key", type=KEY)
@click.option("--ext", metavar="ENDING", help="Of the sidecar to write instead of the image: mnt, json.")
@click.option("--split", type=SPLIT, metavar="NAME", help="Where to look.  [default: everywhere]")
def cat(dst: Path, key: str, ext: str | None, split: str | None) -> None:
    """Write the bytes of the sample KEY in DST to stdout, as they are in the shard, checked.

    A key is SUBJECT/IMPRESSION; `shardkit ls DST` lists them.
    """
    dataset = open_dataset(dst)
    content = _member((dataset[split] if split else _split_with(dataset, key))[key], ext)
    if sys.stdout.isatty() and not is_text(content):
        raise UsageError(f"{key} is no text, and a terminal may obey it. Write it into a file with `> file`.")
    with until_closed_pipe():
        write_stdout(content)


def _split_with(dataset: "Dataset", key: str) -> "Split":
    holding = [name for name in dataset if key in dataset[name]]
    if len(holding) > 1:
        raise UsageError(f"{key} is in {' and '.join(holding)}: say which with --split.")
    if not holding:
        near = nearest_key(key, (dataset[name] for name in dataset))
        raise NotThere(f"{dataset.folder}: no split has a sample {key!r}.{near}")
    return dataset[holding[0]]


def _member(record: "Record", ext: str | None) -> bytes:
    members = {record.sample.image.ext: record.image, **record.sidecars}
    wanted = record.sample.image.ext if ext is None else ext.removeprefix(".")
    if wanted not in members:
        raise UsageError(f"{record.sample.key} has no .{wanted}, but {', '.join(f'.{each}' for each in members)}.")
    return members[wanted]


def is_text(content: bytes) -> bool:
    """Whether nothing in it can make a terminal do more than show it."""
    try:
        text = content.decode()
    except UnicodeDecodeError:
        return False
    return all(each.isprintable() or each in "\t\r\n" for each in text)
