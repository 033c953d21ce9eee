"""Setup of `shardkit bench`: the opened dataset, the probe that streams it, and the title of the report."""

from dataclasses import dataclass
from pathlib import Path

from shardkit.cli.commands.bench_report import Data
from shardkit.host.resources import usable_cores
from shardkit.image.color import Color
from shardkit.image.geometry import Fit
from shardkit.stream.options import Pixels
from shardkit.stream.order.spec import Ordering
from shardkit.stream.profiling import Probe, Typical, typical
from shardkit.stream.source import Opened, Source


@dataclass(frozen=True)
class Begun:
    probe: Probe
    data: Data
    title: str


def begun(
    folder: Path, *, split: str, batch: int, cold: bool, color: Color, size: int | None, fit: Fit, as_list: bool
) -> Begun:
    opened = Opened(Source(folder, split, Ordering(batch), minutiae=False), None)
    pixels = Pixels(color, size, fit, as_list)
    found = typical(opened, pixels)
    data = Data(found.kind.ext, found.stored, found.converted, usable_cores())
    return Begun(Probe(opened, range(batch), pixels, cold=cold), data, _title(opened, found, batch))


def _title(opened: Opened, found: Typical, batch: int) -> str:
    kind, source = found.kind, opened.source
    return (
        f"{source.folder}, split {source.split}: {len(opened.lookup):,} samples, mostly .{kind.ext} of {kind.width} x "
        f"{kind.height} x {kind.channels}, about {found.stored / 1000:,.1f} kB each; batches of {batch:,}"
    )
