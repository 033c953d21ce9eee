"""Which curves a run is told by: its loss, its error rate, and the trade between its two errors."""

from collections.abc import Mapping, Sequence
from typing import Any

from trainer.watch.chart import Line, chart
from trainer.watch.entries import STEP, VALIDATIONS, Record
from trainer.watch.judged import rate_of
from trainer.watch.scale import Axis
from trainer.watch.thinning import Point

_STEPS = Axis("step", from_zero=True, tight=True)


def plots(records: Sequence[Record]) -> dict[str, str]:
    """SVGs by name; one that nothing was recorded for is missing."""
    drawn = {"loss": _loss(records), "rate": _rate(records), "det": _det(records)}
    return {name: svg for name, svg in drawn.items() if svg}


def det_points(figures: Mapping[str, Any]) -> list[Point]:
    """Pairs of a false accept rate and the false reject rate that comes with it."""
    return [(float(accepted), float(rejected)) for accepted, rejected in figures.get("det") or ()]


def _loss(records: Sequence[Record]) -> str:
    points = [(each["step"], each["loss"]) for each in records if each["kind"] == STEP and each["loss"] is not None]
    return chart("Training loss", _STEPS, Axis("loss"), [Line("loss", points)]) if points else ""


def _rate(records: Sequence[Record]) -> str:
    judged = [(each, found) for each in records if each["kind"] in VALIDATIONS and (found := rate_of(each))]
    points: dict[str, list[Point]] = {}
    for each, rate in judged:
        if each["kind"] != "test":
            points.setdefault(f"{each['kind']} validation", []).append((each["step"], rate.value))
    lines = [Line(name, along) for name, along in sorted(points.items())]
    if not lines:
        return ""
    called = judged[0][1].called
    title = {"EER": "Equal error rate"}.get(called, "Error rate")
    return chart(title, _STEPS, Axis(called, percent=True, from_zero=True), lines)


def _det(records: Sequence[Record]) -> str:
    """The first and the last full validation, so that learning shows, and the test."""
    full = [each for each in records if each["kind"] == "full" and det_points(each)]
    ends = {each["step"]: each for each in (full[:1] + full[-1:])}
    lines = [Line(f"step {step:,}", det_points(each)) for step, each in ends.items()]
    lines += [Line("test", det_points(each)) for each in records if each["kind"] == "test" and det_points(each)]
    if not lines:
        return ""
    rates = [rate for line in lines for point in line.points for rate in point if rate > 0]
    same = Line("equal error", [(min(rates), min(rates)), (1.0, 1.0)], dashed=True) if rates else Line("", [])
    accepted = Axis("false accept rate", log=True, percent=True)
    return chart(
        "Detection error trade-off", accepted, Axis("false reject rate", log=True, percent=True), [*lines, same]
    )
