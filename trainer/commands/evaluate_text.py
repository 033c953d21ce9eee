"""The figures of `evaluate` as people read them. What so many subjects cannot tell is not printed, but what would."""

from collections.abc import Iterator, Mapping
from typing import Any

from trainer.watch.words import digits_of, rate

Figures = Mapping[str, Any]

_HEAD = (
    "{split} at step {step}: {samples} samples of {subjects} subjects, {mated} mated and {non_mated} non-mated pairs"
)


def text_of(figures: Figures) -> str:
    return "\n".join(_lines(figures)) + "\n"


def text_of_names(figures: Figures) -> str:
    """Of a run that names classes."""
    head = "{split} at step {step:,}: {right:,} of {samples:,} samples are given their own class"
    return f"{head.format(**figures)}\n{_line('error', rate(figures['error'], figures['samples']))}\n"


def _lines(figures: Figures) -> Iterator[str]:
    pairs = min(figures["mated"], figures["non_mated"])
    counts = {name: f"{figures[name]:,}" for name in ("step", "samples", "subjects", "mated", "non_mated")}
    yield _HEAD.format(split=figures["split"], **counts)
    yield _line("EER", f"{rate(figures['eer'], pairs)}   {_within(figures['interval'], pairs)}")
    yield _line("ROC-AUC", f"{figures['auc']:.{2 + digits_of(pairs)}f}")
    needs = figures["power"]["needs"]
    for far, tar in figures["tar"].items():
        yield _line(f"TAR @ FAR {far}", _too_few(needs[far]) if tar is None else rate(tar, figures["mated"]))
    if "twins" in figures:
        yield from _twins(figures["twins"])
    difference = figures["power"]["eer_difference"]
    if difference:
        yield _line("power", f"on other subjects, as many, {rate(difference, pairs)} EER more or less would be chance")


def _within(interval: tuple[float, float] | None, pairs: int) -> str:
    if not interval:
        return "too few subjects for a range"
    return f"95 % within {rate(interval[0], pairs)} … {rate(interval[1], pairs)}"


def _too_few(need: Figures) -> str:
    return (
        f"too few pairs: it needs {need['pairs']:,} non-mated ones, those of {need['subjects']:,} subjects like these"
    )


def _twins(twins: Figures) -> Iterator[str]:
    right = twins["right_mated"] + twins["right_non_mated"]
    pairs = f"{twins['mated']:,} mated and {twins['non_mated']:,} non-mated pairs within groups"
    among = f"among {pairs}, of {twins['subjects']:,} subjects"
    yield _line("same group, EER", f"{_eer_of(twins)}   {among}" if twins["eer"] is not None else _eer_of(twins))
    yield _line(
        "same group, right",
        f"{rate(twins['accuracy'], twins['pairs'])}   {right:,} of {twins['pairs']:,} pairs, at the threshold of all",
    )


def _eer_of(twins: Figures) -> str:
    if twins["eer"] is None:
        return "no subject of a group has two samples"
    return rate(twins["eer"], min(twins["mated"], twins["non_mated"]))


def _line(name: str, value: str) -> str:
    return f"{name:<18} {value}"
