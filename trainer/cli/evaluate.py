"""`python -m trainer evaluate RUN`: verification rates or accuracy of a run's weights on a split, as text or JSON.

`--cases FOLDER` also writes a page of the hardest cases: all ranks search for them, rank 0 writes the page. A rate that
needs more subjects than the split has is not printed; the number of subjects that it needs is.
"""

import json
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from trainer.cli.run_folder import Asked, Parser, asked, parser_of_run, with_weights
from trainer.errors import UsageError
from trainer.evaluation.embedding import Embedded, compared, embedded, groups_of, named, share_of
from trainer.evaluation.hard_cases import mislabels, worst
from trainer.evaluation.hard_cases_page import EXCLUDED, PAGE, Split, write
from trainer.metrics.console import digits_of, format_rate

WORST = 50


def with_cases(parser: Parser) -> Parser:
    parser.add_argument(
        "--cases", type=_folder, metavar="FOLDER", help="write a page of the worst pairs and of likely mislabels there"
    )
    parser.add_argument("--worst", type=_count, default=WORST, metavar="N", help=f"how many of each (default: {WORST})")
    return parser


def show_cases(it: Asked, whole: Embedded) -> None:
    folder, count, share = it.words.cases, it.words.worst, share_of(it.world)
    pairs = worst(whole.vectors, whole.labels, count, share)
    doubted = mislabels(whole.vectors, whole.labels, count, share)
    if not it.world.leads:
        return
    weights = it.weights
    split = Split(weights.config.data.path, weights.generation, it.split, whole.numbers.tolist())
    title = f"Hard cases of {it.split}, at step {weights.found.step:,}"
    write(folder, split.cases(title, pairs, doubted))
    it.say(f"{folder / PAGE}: the worst pairs. {folder / EXCLUDED}: {len(doubted):,} likely mislabels to be looked at.")


def _folder(text: str) -> Path:
    """Refused before an hour of work, not behind it."""
    folder = Path(text)
    if folder.exists() and not folder.is_dir():
        raise UsageError(f"{folder}: --cases names a folder to write to, and this is a file. Name another place.")
    return folder


def _count(text: str) -> int:
    if not text.isdecimal() or not int(text):
        raise UsageError(f"--worst is {text!r}, and it must be a number of pairs, 1 or more.")
    return int(text)


Figures = Mapping[str, Any]

_HEAD = (
    "{split} at step {step}: {samples} samples of {subjects} subjects, {mated} mated and {non_mated} non-mated pairs"
)


def text_of(figures: Figures) -> str:
    return "\n".join(_lines(figures)) + "\n"


def text_of_names(figures: Figures) -> str:
    """Of a run that names classes."""
    head = "{split} at step {step:,}: {right:,} of {samples:,} samples are given their own class"
    return f"{head.format(**figures)}\n{_line('error', format_rate(figures['error'], figures['samples']))}\n"


def _lines(figures: Figures) -> Iterator[str]:
    pairs = min(figures["mated"], figures["non_mated"])
    counts = {name: f"{figures[name]:,}" for name in ("step", "samples", "subjects", "mated", "non_mated")}
    yield _HEAD.format(split=figures["split"], **counts)
    yield _line("EER", f"{format_rate(figures['eer'], pairs)}   {_within(figures['interval'], pairs)}")
    yield _line("ROC-AUC", f"{figures['auc']:.{2 + digits_of(pairs)}f}")
    needs = figures["power"]["needs"]
    for far, tar in figures["tar"].items():
        yield _line(f"TAR @ FAR {far}", _too_few(needs[far]) if tar is None else format_rate(tar, figures["mated"]))
    if "twins" in figures:
        yield from _twins(figures["twins"])
    difference = figures["power"]["eer_difference"]
    if difference:
        yield _line(
            "power", f"on other subjects, as many, {format_rate(difference, pairs)} EER more or less would be chance"
        )


def _within(interval: tuple[float, float] | None, pairs: int) -> str:
    if not interval:
        return "too few subjects for a range"
    return f"95 % within {format_rate(interval[0], pairs)} … {format_rate(interval[1], pairs)}"


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
        f"{format_rate(twins['accuracy'], twins['pairs'])}   "
        f"{right:,} of {twins['pairs']:,} pairs, at the threshold of all",
    )


def _eer_of(twins: Figures) -> str:
    if twins["eer"] is None:
        return "no subject of a group has two samples"
    return format_rate(twins["eer"], min(twins["mated"], twins["non_mated"]))


def _line(name: str, value: str) -> str:
    return f"{name:<18} {value}"


_DESCRIPTION = """Compare all pairs of a split, and print EER with its interval and true accept rates.

A run with validate.metric = accuracy is judged by how many samples it gives their own class.

The figures are the same on any number of ranks:
  torchrun … -m trainer evaluate RUN"""

_UNTRAINED = (
    "warning: these weights are of step 0, before any training: no later validation was better. "
    "--step latest evaluates the newest weights.\n"
)

_EXAMPLES = ("runs/first", "runs/first --split test --json", "runs/first --cases cases")


def main(arguments: Sequence[str]) -> int:
    parser = with_cases(with_weights(parser_of_run("evaluate", _DESCRIPTION, *_EXAMPLES)))
    parser.add_argument("--json", action="store_true", help="one JSON object on stdout")
    with asked(parser, arguments) as it:
        if it.world.leads and it.weights.found.step == 0:
            sys.stderr.write(_UNTRAINED)
        names = it.weights.config.validate.metric == "accuracy"
        if names:
            _tell(it, _of_names(it), text_of_names)
        if it.words.cases or not names:
            whole = _embedded(it)
            if not names:
                _tell(it, _of_pairs(it, whole), text_of)
            if it.words.cases:
                show_cases(it, whole)
    return 0


def _tell(it: Asked, figures: Mapping[str, Any], text: Callable[[Mapping[str, Any]], str]) -> None:
    if it.world.leads:
        sys.stdout.write(json.dumps(figures) + "\n" if it.words.json else text(figures))
        sys.stdout.flush()


def _embedded(it: Asked) -> Embedded:
    weights = it.weights
    return embedded(weights.network, weights.feed(it.split, it.world), weights.augment, it.world)


def _of_names(it: Asked) -> Mapping[str, Any]:
    weights = it.weights
    found = named(weights.network, weights.feed(it.split, it.world), weights.augment, it.world, lambda: True)
    assert found is not None  # nobody asks it to stop
    return {"split": it.split, "step": weights.found.step, **found.as_json()}


def _of_pairs(it: Asked, whole: Embedded) -> Mapping[str, Any]:
    weights = it.weights
    groups = groups_of(weights.config.data.path, weights.generation, it.split)
    found = compared(whole, weights.config.validate.far, groups, share_of(it.world)).as_json()
    return {"split": it.split, "step": weights.found.step, **_but_curve(found)}


def _but_curve(figures: Mapping[str, Any]) -> Mapping[str, Any]:
    return {name: each for name, each in figures.items() if name != "det"}
