"""Command `shardkit info DST`: shows what a dataset holds and how it was made, without opening a shard."""

from collections.abc import Iterator, Mapping
from dataclasses import asdict
from pathlib import Path
from shutil import get_terminal_size
from textwrap import wrap
from typing import TYPE_CHECKING, Any

import click

from shardkit.cli.console import bold, dim, emit, say
from shardkit.cli.help import command
from shardkit.cli.options import FOLDER
from shardkit.pack.options import PackOptions, format_recorded_value
from shardkit.reader.dataset import open_dataset

if TYPE_CHECKING:
    from shardkit.reader.dataset import Dataset
    from shardkit.schema import Generation, Totals

_LABEL = 13
_INDENT = " " * _LABEL
_LONGEST_LINE = 120
_FIGURES = ("samples", "subjects", "classes", "shards", "bytes")
_WIDTHS = (13, 12, 12, 10, 19)


@command(examples=("shardkit info packed", "shardkit info packed --json | python -m json.tool"))
@click.argument("dst", type=FOLDER)
@click.option("--json", "as_json", is_flag=True, help="Print it as a JSON line.")
def info(dst: Path, *, as_json: bool) -> None:
    """Say what the dataset DST holds, and how it was made."""
    dataset = open_dataset(dst)
    if as_json:
        emit(info_record(dataset))
    else:
        for line in report_lines(dataset, min(get_terminal_size().columns, _LONGEST_LINE)):
            say(*line)


def info_record(dataset: "Dataset") -> dict[str, Any]:
    said = asdict(dataset.manifest)
    del said["files"]  # one for each thousand shards: a look into the manifest is shorter
    current = asdict(dataset.generation)
    return {
        "folder": str(dataset.folder),
        "digest": dataset.digest,
        "generation": current["number"],
        "splits": current["splits"],
        "skipped": current["skipped"],
        "versions": current["versions"],
        **said,
    }


def report_lines(dataset: "Dataset", width: int) -> Iterator[tuple[str, ...]]:
    for line in wrap(f"{dataset.folder}: {_holds(dataset)}", width, break_long_words=False):
        yield (line,)
    yield ()
    heads, *rows = _table(dataset.splits)
    yield (bold(heads),)
    yield from ((row,) for row in rows)
    yield ()
    for label, text in _description_lines(dataset):
        first, *rest = wrap(text, width - _LABEL, break_long_words=False, break_on_hyphens=False) or [""]
        yield dim(f"{label:<{_LABEL}}"), first
        yield from ((_INDENT + line,) for line in rest)


def _holds(dataset: "Dataset") -> str:
    totals = dataset.splits.values()
    samples, shards, size = (sum(getattr(each, name) for each in totals) for name in ("samples", "shards", "bytes"))
    return f"{samples:,} samples in {shards:,} shards, {size:,} bytes"


def _table(splits: Mapping[str, "Totals"]) -> Iterator[str]:
    names = max(map(len, ("split", *splits)))
    yield f"{'split':<{names}}" + "".join(f"{name:>{width}}" for name, width in zip(_FIGURES, _WIDTHS, strict=True))
    for split, totals in splits.items():
        figures = (getattr(totals, name) for name in _FIGURES)
        yield f"{split:<{names}}" + "".join(f"{each:>{width},}" for each, width in zip(figures, _WIDTHS, strict=True))


def _description_lines(dataset: "Dataset") -> Iterator[tuple[str, str]]:
    manifest = dataset.manifest
    yield "codec", f"{manifest.codec}: {manifest.choice}"
    yield "pixels", _pairs(manifest.preparation) or "as they came: every image has the bytes that its file had"
    yield "options", _pairs(_non_default_options(manifest.options)) or "the usual ones"
    for generation in manifest.generations:
        yield f"generation {generation.number}", _came_to_be(generation)
    yield "versions", _pairs(dataset.generation.versions)
    yield "digest", dataset.digest


def _non_default_options(options: Mapping[str, object]) -> dict[str, object]:
    """What was asked for beyond the defaults."""
    usual = PackOptions().record()
    differing = {name: value for name, value in options.items() if name not in usual or usual[name] != value}
    return {name: None if value is None else format_recorded_value(name, value) for name, value in differing.items()}


def _came_to_be(generation: "Generation") -> str:
    skipped = ", ".join(f"{count:,} {reason}" for reason, count in generation.skipped.items())
    left_out = f"{skipped} skipped (listed in {generation.listed})" if skipped else "none skipped"
    return f"by {generation.by}: {generation.packed:,} packed, {left_out}"


def _pairs(values: Mapping[str, object]) -> str:
    return ", ".join(f"{name} {value}" for name, value in values.items() if value is not None)
