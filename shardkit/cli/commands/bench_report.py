"""Report of `shardkit bench`: the bottleneck, a change that would help, and the table of rates by threads.

The verdict is computed from the measured rates of the steps, and from nothing else.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from textwrap import wrap
from typing import TYPE_CHECKING

from shardkit.cli.console import bold
from shardkit.stream.description import labeled_lines

if TYPE_CHECKING:
    from shardkit.stream.profiling import Rate


_COPY_BOUND_FRACTION = 0.5
"""From this share of a bare copy's rate on, memory is what a stream waits for."""

_ENOUGH = 0.95

_SMALL = 16_384

_FEW = 0.1

_FASTER = {"png": "zstd", "npy.zst": "lz4", "npy.lz4": "raw"}
"""To which codec images could be packed anew, so that they are decoded faster."""


@dataclass(frozen=True)
class MeasuredData:
    """What the measured samples are like."""

    ext: str
    stored: float
    """Bytes of a sample in a shard."""
    converted: bool
    """Whether pixels are brought to another size or colour after they are decoded."""
    cores: int


@dataclass(frozen=True)
class Verdict:
    bound: str
    """storage, decode, digest, memory or samples."""
    why: str
    change: str
    threads: int
    """As many as are worth having."""
    microseconds: Mapping[str, float]
    """Of a sample, at the most threads that were measured."""


def find_bottleneck(rates: "list[Rate]", data: MeasuredData) -> Verdict:
    most = max(rate.threads for rate in rates)
    at_most = {rate.step.value: rate for rate in rates if rate.threads == most}
    costs = _costs({step: rate.samples for step, rate in at_most.items()})
    enough = _enough({rate.threads: rate.samples for rate in rates if rate.step == "decode"})
    bound = _bound(at_most, costs, data)
    return Verdict(bound, _explain_bottleneck(bound, at_most, data), _change(bound, data, most, enough), enough, costs)


def _costs(samples: Mapping[str, float]) -> dict[str, float]:
    """What each step adds, in microseconds."""
    whole = {step: 1e6 / rate for step, rate in samples.items()}
    read, digest = whole["read"], max(whole["read"], whole["digest"])
    return {"read": read, "digest": digest - read, "decode": max(0.0, whole["decode"] - digest)}


def _enough(samples: Mapping[int, float]) -> int:
    return min(threads for threads, rate in samples.items() if rate >= _ENOUGH * max(samples.values()))


def _bound(rates: "Mapping[str, Rate]", costs: Mapping[str, float], data: MeasuredData) -> str:
    most = max(costs, key=lambda step: costs[step])
    whole = rates["decode"]
    if most == "read" and (whole.from_disk or 0.0) > _FEW * whole.samples * data.stored:
        return "storage"
    if most == "read" and data.stored < _SMALL:
        return "samples"
    copied = "copy" in rates and whole.samples >= _COPY_BOUND_FRACTION * rates["copy"].samples
    return "memory" if most == "read" or copied else most


def _explain_bottleneck(bound: str, rates: "Mapping[str, Rate]", data: MeasuredData) -> str:
    whole = rates["decode"]
    share = f"{whole.samples / rates['copy'].samples:.0%} of" if "copy" in rates else "close to"
    converting = " and bringing pixels to another size or colour" if data.converted else ""
    return {
        "storage": f"the disk, which gives {(whole.from_disk or 0) / 1e6:,.0f} MB/s",
        "samples": f"what each sample costs whatever its size: {data.stored:,.0f} bytes leave little else to do",
        "memory": f"memory: it comes to {share} what a bare copy of the pixels would give",
        "digest": "comparing digests, which notices every byte that has changed",
        "decode": f"decoding .{data.ext}{converting}",
    }[bound]


def _change(bound: str, data: MeasuredData, most: int, enough: int) -> str:
    if bound in ("digest", "decode") and enough == most < data.cores:
        return f"more threads: {data.cores} cores may be used"
    return {
        "storage": "a faster disk, or one in this machine; more memory, to keep what was read; a codec of fewer bytes",
        "samples": "nothing: such samples come faster than they can be trained on",
        "memory": "nothing but fewer bytes a sample: a smaller size, or gray where colour tells nothing",
        "digest": "more cores. check=False leaves digests out, and damage unnoticed",
        "decode": _decoded_faster(data),
    }[bound]


def _decoded_faster(data: MeasuredData) -> str:
    if data.converted:
        return "pack with the --size and --color that is trained on, which leaves nothing to do here; or more cores"
    if data.ext in _FASTER:
        return f"pack with --codec {_FASTER[data.ext]}, which is decoded twice as fast; or more cores"
    return "more cores"


_HEADS = ("copy only", "read", "+ digest", "+ decode", "stored MB/s", "pixel MB/s", "gain")

_WIDTHS = (11, 10, 10, 10, 13, 12, 7)

_EXPLAINED = "Samples a second: `+ decode` is the whole stream, and the columns before it leave steps out."

_LITTLE = 0.05

_STEPS = ("copy", "read", "digest", "decode")


def report_lines(rates: "list[Rate]", data: MeasuredData, verdict: Verdict, width: int) -> Iterator[tuple[str, ...]]:
    yield ()
    yield from ((line,) for line in wrap(_EXPLAINED, width))
    yield (bold("threads" + _line(_HEADS)),)
    yield from ((line,) for line in _table(rates, data))
    yield ()
    for line in labeled_lines(_meaning(rates, data, verdict), width):
        yield (bold(line) if line.startswith("bound by") else line,)


def _table(rates: "list[Rate]", data: MeasuredData) -> Iterator[str]:
    table = {count: {rate.step.value: rate for rate in rates if rate.threads == count} for count in _counts(rates)}
    slowest = next(iter(table.values()))["decode"].samples
    for count, row in table.items():
        whole = row["decode"]
        figures = [f"{row[step].samples:,.0f}" if step in row else "-" for step in _STEPS]
        sizes = [f"{each / 1e6:,.0f}" for each in (whole.samples * data.stored, whole.pixels)]
        yield f"{count:>7}" + _line((*figures, *sizes, f"x {whole.samples / slowest:.1f}"))


def _counts(rates: "list[Rate]") -> list[int]:
    return sorted({rate.threads for rate in rates})


def _line(cells: tuple[str, ...]) -> str:
    return "".join(f"{cell:>{width}}" for cell, width in zip(cells, _WIDTHS, strict=True))


def _meaning(rates: "list[Rate]", data: MeasuredData, verdict: Verdict) -> Iterator[tuple[str, str]]:
    costs = ", ".join(f"{step} {cost:,.0f}" for step, cost in verdict.microseconds.items())
    yield "storage", _storage(rates, data)
    yield "a sample", f"{costs} microseconds, with threads={_counts(rates)[-1]}"
    yield "bound by", verdict.why
    yield "threads", _threads(verdict.threads, _counts(rates)[-1])
    yield "next", verdict.change


def _threads(enough: int, most: int) -> str:
    if enough == most:
        return f"threads={most} is the fastest of those that were measured, and none with more threads was"
    return f"threads={enough} is enough: more add less than 5%"


def _storage(rates: "list[Rate]", data: MeasuredData) -> str:
    best = max((rate for rate in rates if rate.step == "read"), key=lambda rate: rate.samples)
    read = f"{best.samples * data.stored / 1e6:,.0f} MB/s read"
    if best.from_disk is None:
        return f"{read}; this kernel does not tell what came from the disk"
    share = min(1.0, best.from_disk / max(1.0, best.samples * data.stored))
    if share < _LITTLE:
        return f"warm: {read}, all of it in memory already. --cold measures the disk"
    return f"cold: {read}; the disk gave {best.from_disk / 1e6:,.0f} MB/s"
