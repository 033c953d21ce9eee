"""What `shardkit bench` shows: a table of rates by threads, and what they mean."""

from collections.abc import Iterator
from textwrap import wrap
from typing import TYPE_CHECKING

from shardkit.cli.bench_verdict import Data, Verdict
from shardkit.cli.paint import strong
from shardkit.stream.page import labelled

if TYPE_CHECKING:
    from shardkit.stream.probe import Rate

_HEADS = ("copy only", "read", "+ digest", "+ decode", "stored MB/s", "pixel MB/s", "gain")
_WIDTHS = (11, 10, 10, 10, 13, 12, 7)
_EXPLAINED = "Samples a second: `+ decode` is the whole stream, and the columns before it leave steps out."
_LITTLE = 0.05
_STEPS = ("copy", "read", "digest", "decode")


def report(rates: "list[Rate]", data: Data, verdict: Verdict, width: int) -> Iterator[tuple[str, ...]]:
    yield ()
    yield from ((line,) for line in wrap(_EXPLAINED, width))
    yield (strong("threads" + _line(_HEADS)),)
    yield from ((line,) for line in _table(rates, data))
    yield ()
    for line in labelled(_meaning(rates, data, verdict), width):
        yield (strong(line) if line.startswith("bound by") else line,)


def _table(rates: "list[Rate]", data: Data) -> Iterator[str]:
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


def _meaning(rates: "list[Rate]", data: Data, verdict: Verdict) -> Iterator[tuple[str, str]]:
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


def _storage(rates: "list[Rate]", data: Data) -> str:
    best = max((rate for rate in rates if rate.step == "read"), key=lambda rate: rate.samples)
    read = f"{best.samples * data.stored / 1e6:,.0f} MB/s read"
    if best.from_disk is None:
        return f"{read}; this kernel does not tell what came from the disk"
    share = min(1.0, best.from_disk / max(1.0, best.samples * data.stored))
    if share < _LITTLE:
        return f"warm: {read}, all of it in memory already. --cold measures the disk"
    return f"cold: {read}; the disk gave {best.from_disk / 1e6:,.0f} MB/s"
