"""What a run came to, in figures: its best metric, where the weights of it are, how fast it was."""

from collections.abc import Iterator, Sequence
from operator import itemgetter
from pathlib import Path
from statistics import median

from trainer.config.sections import Config
from trainer.watch import lines
from trainer.watch.entries import STEP, VALIDATIONS, Record
from trainer.watch.judged import rate_of
from trainer.watch.words import duration, figure, percent, rate, size

_MB = 1e6
_WEIGHTS = ("ema.safetensors", "model.safetensors")
"""The averaged ones are those that were validated, where there are any."""


def summary(folder: Path, config: Config, records: Sequence[Record]) -> Iterator[tuple[str, str]]:
    """By what it is; what was never recorded is not told."""
    top, steps = best(records), [each for each in records if each["kind"] == STEP]
    if top:
        yield "best", f"**{lines.rate(top)}** on {config.data.val}, full validation at step {top['step']:,}"
    for each in records:
        if each["kind"] == "test":
            yield (
                "test",
                f"{lines.rate(each)} on {config.data.test or 'test'}, with the weights of step {each['step']:,}",
            )
    yield "weights", _weights(folder, top["step"] if top else None)
    if steps:
        yield from _of_steps(steps)


def best(records: Sequence[Record]) -> Record | None:
    """The first of the full validations that no other one beat."""
    full = [(judged.value, each) for each in records if each["kind"] == "full" and (judged := rate_of(each))]
    return min(full, key=itemgetter(0), default=(None, None))[1]


def validations(records: Sequence[Record]) -> list[list[str]]:
    """A table: its head, then a row for each validation in the order in which they were made."""
    made = [each for each in records if each["kind"] in VALIDATIONS]
    fars = list(dict.fromkeys(far for each in made for far in each.get("tar") or {}))
    head = ["step", "kind", "rate [95 %]", *(f"TAR at FAR {far}" for far in fars)]
    return [head, *(_row(each, fars) for each in made)]


def _row(record: Record, fars: Sequence[str]) -> list[str]:
    rates = [(record.get("tar") or {}).get(far) for far in fars]
    told = ["too few pairs" if each is None else rate(each, record["mated"]) for each in rates]
    return [f"{record['step']:,}", record["kind"], lines.rate(record), *told]


def _of_steps(steps: Sequence[Record]) -> Iterator[tuple[str, str]]:
    last = steps[-1]
    waits = [each["data_wait"] for each in steps]
    yield "steps", f"{last['step']:,}, {last['epoch']:.2f} epochs"
    if last["loss"] is not None:
        yield "loss", f"{figure(last['loss'])}, the mean since the record before"
    yield "speed", f"{median(each['samples_per_second'] for each in steps):,.0f} samples/s, the median of all records"
    yield "waiting for data", f"{percent(median(waits))} of the time, {percent(max(waits))} at most"
    yield "time", f"{duration(sum(each['seconds'] for each in steps))} without what was done twice"
    memory = [each["memory_mb"] for each in steps if each["memory_mb"] is not None]
    if memory:
        yield "memory", f"{size(max(memory) * _MB)} at most, on rank 0"
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
