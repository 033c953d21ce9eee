"""Setup of `shardkit bench`: the opened dataset, the probe that streams it, and the title of the report."""

from dataclasses import dataclass
from pathlib import Path

from shardkit.cli.commands.bench_report import MeasuredData
from shardkit.host.resources import usable_cores
from shardkit.image.color import Color
from shardkit.image.geometry import Fit
from shardkit.stream.opened_split import OpenedSplit, SourceSpec
from shardkit.stream.options import DecodeOptions
from shardkit.stream.order.options import OrderOptions
from shardkit.stream.profiling import Profiler, TypicalSample, find_typical_sample


@dataclass(frozen=True)
class BenchSetup:
    probe: Profiler
    data: MeasuredData
    title: str


def prepare_bench(
    folder: Path, *, split: str, batch: int, cold: bool, color: Color, size: int | None, fit: Fit, as_list: bool
) -> BenchSetup:
    opened = OpenedSplit(SourceSpec(folder, split, OrderOptions(batch), minutiae=False), None)
    pixels = DecodeOptions(color, size, fit, as_list)
    found = find_typical_sample(opened, pixels)
    data = MeasuredData(found.kind.ext, found.stored, found.converted, usable_cores())
    return BenchSetup(Profiler(opened, range(batch), pixels, cold=cold), data, _title(opened, found, batch))


def _title(opened: OpenedSplit, found: TypicalSample, batch: int) -> str:
    kind, source = found.kind, opened.source
    return (
        f"{source.folder}, split {source.split}: {len(opened.lookup):,} samples, mostly .{kind.ext} of {kind.width} x "
        f"{kind.height} x {kind.channels}, about {found.stored / 1000:,.1f} kB each; batches of {batch:,}"
    )
