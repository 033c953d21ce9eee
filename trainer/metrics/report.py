"""Report of a run: `run.md` with settings, best metric, validations and speed, and its plots.

Everything comes from the config, the records and `facts`, which are printed as they are. Plots: loss, error rate, and
the DET curve.
"""

from collections.abc import Iterator, Mapping, Sequence
from operator import itemgetter
from pathlib import Path
from statistics import median
from typing import Any

from shardkit import publish
from trainer.config.files import to_toml
from trainer.config.schema import Config
from trainer.config.settings import values_of
from trainer.metrics import console
from trainer.metrics.console import (
    format_bytes,
    format_duration,
    format_error_rate,
    format_percent,
    format_value,
    headline_metric,
)
from trainer.metrics.records import METRICS_FILE, STEP, VALIDATIONS, Record, read_records
from trainer.metrics.svg_chart import Axis, Line, Point, render_chart

_STEPS = Axis("step", from_zero=True, tight=True)


def render_plots(records: Sequence[Record]) -> dict[str, str]:
    """SVGs by name; one that nothing was recorded for is missing."""
    drawn = {"loss": _loss(records), "rate": _rate(records), "det": _det(records)}
    return {name: svg for name, svg in drawn.items() if svg}


def det_points(figures: Mapping[str, Any]) -> list[Point]:
    """Pairs of a false accept rate and the false reject rate that comes with it."""
    return [(float(accepted), float(rejected)) for accepted, rejected in figures.get("det") or ()]


def _loss(records: Sequence[Record]) -> str:
    points = [(each["step"], each["loss"]) for each in records if each["kind"] == STEP and each["loss"] is not None]
    return render_chart("Training loss", _STEPS, Axis("loss"), [Line("loss", points)]) if points else ""


def _rate(records: Sequence[Record]) -> str:
    judged = [(each, found) for each in records if each["kind"] in VALIDATIONS and (found := headline_metric(each))]
    points: dict[str, list[Point]] = {}
    for each, rate in judged:
        if each["kind"] != "test":
            points.setdefault(f"{each['kind']} validation", []).append((each["step"], rate.value))
    lines = [Line(name, along) for name, along in sorted(points.items())]
    if not lines:
        return ""
    called = judged[0][1].called
    title = {"EER": "Equal error rate"}.get(called, "Error rate")
    return render_chart(title, _STEPS, Axis(called, percent=True, from_zero=True), lines)


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
    return render_chart(
        "Detection error trade-off", accepted, Axis("false reject rate", log=True, percent=True), [*lines, same]
    )


_MB = 1e6

_WEIGHTS = ("ema.safetensors", "model.safetensors")
"""The averaged ones are those that were validated, where there are any."""


def summary_rows(folder: Path, config: Config, records: Sequence[Record]) -> Iterator[tuple[str, str]]:
    """By what it is; what was never recorded is not told."""
    top, steps = best_validation(records), [each for each in records if each["kind"] == STEP]
    if top:
        yield (
            "best",
            f"**{console.format_headline(top)}** on {config.data.val}, full validation at step {top['step']:,}",
        )
    for each in records:
        if each["kind"] == "test":
            yield (
                "test",
                (
                    f"{console.format_headline(each)} on {config.data.test or 'test'}, "
                    f"with the weights of step {each['step']:,}"
                ),
            )
    yield "weights", _weights(folder, top["step"] if top else None)
    if steps:
        yield from _of_steps(steps)


def best_validation(records: Sequence[Record]) -> Record | None:
    """The first of the full validations that no other one beat."""
    full = [(judged.value, each) for each in records if each["kind"] == "full" and (judged := headline_metric(each))]
    return min(full, key=itemgetter(0), default=(None, None))[1]


def validation_rows(records: Sequence[Record]) -> list[list[str]]:
    """A table: its head, then a row for each validation in the order in which they were made."""
    made = [each for each in records if each["kind"] in VALIDATIONS]
    fars = list(dict.fromkeys(far for each in made for far in each.get("tar") or {}))
    head = ["step", "kind", "rate [95 %]", *(f"TAR at FAR {far}" for far in fars)]
    return [head, *(_validation_row(each, fars) for each in made)]


def _validation_row(record: Record, fars: Sequence[str]) -> list[str]:
    rates = [(record.get("tar") or {}).get(far) for far in fars]
    told = ["too few pairs" if each is None else format_error_rate(each, record["mated"]) for each in rates]
    return [f"{record['step']:,}", record["kind"], console.format_headline(record), *told]


def _of_steps(steps: Sequence[Record]) -> Iterator[tuple[str, str]]:
    last = steps[-1]
    waits = [each["data_wait"] for each in steps]
    yield "steps", f"{last['step']:,}, {last['epoch']:.2f} epochs"
    if last["loss"] is not None:
        yield "loss", f"{format_value(last['loss'])}, the mean since the record before"
    yield "speed", f"{median(each['samples_per_second'] for each in steps):,.0f} samples/s, the median of all records"
    yield "waiting for data", f"{format_percent(median(waits))} of the time, {format_percent(max(waits))} at most"
    yield "time", f"{format_duration(sum(each['seconds'] for each in steps))} without what was done twice"
    memory = [each["memory_mb"] for each in steps if each["memory_mb"] is not None]
    if memory:
        yield "memory", f"{format_bytes(max(memory) * _MB)} at most, on rank 0"
    if last["skipped"]:
        yield "skipped", f"{last['skipped']:,} updates, for an overflow of fp16"


def _weights(folder: Path, step: int | None) -> str:
    """Of that step; else of the last one that is kept."""
    there = {int(each.name.rpartition("-")[2]): each for each in folder.glob("checkpoints/step-*[0-9]")}
    if not there:
        return "none are kept"
    place = there.get(step if step is not None else -1) or there[max(there)]
    name = next((each for each in _WEIGHTS if (place / each).exists()), _WEIGHTS[-1])
    return f"`{(place / name).relative_to(folder)}`"


PAGE_FILE = "run.md"

PLOTS_FOLDER = "plots"


def write_page(folder: Path, config: Config, facts: Mapping[str, Any]) -> None:
    """The plots come first: a page points at nothing that is missing."""
    told = read_records(folder / METRICS_FILE)
    drawn = render_plots(told)
    (folder / PLOTS_FOLDER).mkdir(parents=True, exist_ok=True)
    for name, svg in drawn.items():
        _publish(folder / PLOTS_FOLDER / f"{name}.svg", svg)
    lines = [
        f"# Run {folder.absolute().name}",
        *_table(summary_rows(folder, config, told)),
        *_plots(list(drawn)),
        *_validations(told),
        "## Facts",
        *_table((name.replace("_", " "), _text(value)) for name, value in facts.items()),
        *_settings(config),
    ]
    _publish(folder / PAGE_FILE, "\n".join(lines))


def _publish(path: Path, text: str) -> None:
    with publish(path) as file:
        file.write(text.encode())


def _table(rows: Iterator[tuple[str, str]]) -> Iterator[str]:
    yield from ("", "| | |", "|---|---|")
    yield from (f"| {name} | {_in_cell(value)} |" for name, value in rows)
    yield ""


def _plots(names: list[str]) -> Iterator[str]:
    for name in names:
        yield f"![{name}]({PLOTS_FOLDER}/{name}.svg)\n"


def _validations(told: list[dict[str, Any]]) -> Iterator[str]:
    head, *rows = validation_rows(told)
    if rows:
        yield from ("## Validations", "", _row(head), _row("---" for _ in head), *map(_row, rows), "")


def _row(cells: Iterator[str] | list[str]) -> str:
    return f"| {' | '.join(map(_in_cell, cells))} |"


def _settings(config: Config) -> Iterator[str]:
    plain = values_of(Config())
    chosen = {name: value for name, value in values_of(config).items() if value != plain[name]}
    yield from ("## Settings", "", "Other than the defaults; `config.toml` has all of them.", "")
    yield from ("```toml", to_toml(chosen).strip(), "```", "")


def _text(value: object) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{name} {_text(each)}" for name, each in value.items())
    return f"{value:,}" if isinstance(value, int) and not isinstance(value, bool) else str(value)


def _in_cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")
