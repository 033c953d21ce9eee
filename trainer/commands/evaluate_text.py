"""The figures of `evaluate` as people read them. What so many subjects cannot tell is not printed, but what would."""

from collections.abc import Iterator, Mapping
from typing import Any

Figures = Mapping[str, Any]

_HEAD = (
    "{split} at step {step}: {samples} samples of {subjects} subjects, {mated} mated and {non_mated} non-mated pairs"
)


def text_of(figures: Figures) -> str:
    return "\n".join(_lines(figures)) + "\n"


def text_of_names(figures: Figures) -> str:
    """Of a run that names classes."""
    head = "{split} at step {step:,}: {right:,} of {samples:,} samples are given their own class"
    return f"{head.format(**figures)}\n{_line('error', _rate(figures['error']))}\n"


def _lines(figures: Figures) -> Iterator[str]:
    counted = {name: f"{figures[name]:,}" for name in ("step", "samples", "subjects", "mated", "non_mated")}
    yield _HEAD.format(split=figures["split"], **counted)
    yield _line("EER", f"{_rate(figures['eer'])}   {_within(figures['interval'])}")
    yield _line("ROC-AUC", f"{figures['auc']:.5f}")
    needs = figures["power"]["needs"]
    for far, tar in figures["tar"].items():
        yield _line(f"TAR @ FAR {far}", _too_few(needs[far]) if tar is None else _rate(tar))
    if "twins" in figures:
        yield from _twins(figures["twins"])
    difference = figures["power"]["eer_difference"]
    if difference:
        yield _line("power", f"two runs judged like this may differ by {_rate(difference)} EER by chance alone")


def _within(interval: tuple[float, float] | None) -> str:
    return f"95 % within {_rate(interval[0])} … {_rate(interval[1])}" if interval else "too few subjects for a range"


def _too_few(need: Figures) -> str:
    return (
        f"too few pairs: it needs {need['pairs']:,} non-mated ones, those of {need['subjects']:,} subjects like these"
    )


def _twins(twins: Figures) -> Iterator[str]:
    right = twins["right_mated"] + twins["right_non_mated"]
    among = f"among {twins['mated']:,} mated and {twins['non_mated']:,} twin pairs of {twins['subjects']:,} subjects"
    yield _line("twins, EER", "no twin has two samples" if twins["eer"] is None else f"{_rate(twins['eer'])}   {among}")
    yield _line(
        "twins, accuracy",
        f"{_rate(twins['accuracy'])}   {right:,} of {twins['pairs']:,} pairs, at the threshold of all",
    )


def _line(name: str, value: str) -> str:
    return f"{name:<18} {value}"


def _rate(share: float) -> str:
    return f"{100 * share:.2f} %"
