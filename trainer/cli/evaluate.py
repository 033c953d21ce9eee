"""`python -m trainer evaluate RUN`: verification rates or accuracy of a run's weights on a split, as text or JSON.

`--cases FOLDER` also writes a page of the hardest cases: all ranks search for them, rank 0 writes the page. A rate that
needs more subjects than the split has is not printed; the number of subjects that it needs is.
"""

import json
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from trainer.cli.app import Parser
from trainer.cli.run_folder import RunArguments, add_weights_arguments, make_run_parser, open_run
from trainer.errors import UsageError
from trainer.evaluation.embedding import Embeddings, classify_split, embed_split, groups_of, share_of, verify_embeddings
from trainer.evaluation.hard_cases import find_mislabels, find_worst_pairs
from trainer.evaluation.hard_cases_page import EXCLUDE_FILE, PAGE_FILE, SplitReader, write_hard_cases
from trainer.metrics.console import format_error_rate, percent_digits

DEFAULT_WORST = 50


def add_cases_arguments(parser: Parser) -> Parser:
    parser.add_argument(
        "--cases", type=_folder, metavar="FOLDER", help="write a page of the worst pairs and of likely mislabels there"
    )
    parser.add_argument(
        "--worst", type=_count, default=DEFAULT_WORST, metavar="N", help=f"how many of each (default: {DEFAULT_WORST})"
    )
    return parser


def write_cases(it: RunArguments, whole: Embeddings) -> None:
    folder, count, share = it.words.cases, it.words.worst, share_of(it.world)
    pairs = find_worst_pairs(whole.vectors, whole.labels, count, share)
    doubted = find_mislabels(whole.vectors, whole.labels, count, share)
    if not it.world.is_main:
        return
    weights = it.weights
    split = SplitReader(weights.config.data.path, weights.generation, it.split, whole.numbers.tolist())
    title = f"Hard cases of {it.split}, at step {weights.found.step:,}"
    write_hard_cases(folder, split.cases(title, pairs, doubted))
    it.say(
        f"{folder / PAGE_FILE}: the worst pairs. {folder / EXCLUDE_FILE}: {len(doubted):,} likely mislabels to "
        "be looked at."
    )


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


Results = Mapping[str, Any]

_HEAD = (
    "{split} at step {step}: {samples} samples of {subjects} subjects, {mated} mated and {non_mated} non-mated pairs"
)


def format_results(figures: Results) -> str:
    return "\n".join(_lines(figures)) + "\n"


def format_accuracy(figures: Results) -> str:
    """Of a run that names classes."""
    head = "{split} at step {step:,}: {right:,} of {samples:,} samples are given their own class"
    return f"{head.format(**figures)}\n{_line('error', format_error_rate(figures['error'], figures['samples']))}\n"


def _lines(figures: Results) -> Iterator[str]:
    pairs = min(figures["mated"], figures["non_mated"])
    counts = {name: f"{figures[name]:,}" for name in ("step", "samples", "subjects", "mated", "non_mated")}
    yield _HEAD.format(split=figures["split"], **counts)
    yield _line("EER", f"{format_error_rate(figures['eer'], pairs)}   {_within(figures['interval'], pairs)}")
    yield _line("ROC-AUC", f"{figures['auc']:.{2 + percent_digits(pairs)}f}")
    needs = figures["power"]["needs"]
    for far, tar in figures["tar"].items():
        yield _line(
            f"TAR @ FAR {far}", _too_few(needs[far]) if tar is None else format_error_rate(tar, figures["mated"])
        )
    if "twins" in figures:
        yield from _twins(figures["twins"])
    difference = figures["power"]["eer_difference"]
    if difference:
        yield _line(
            "power",
            f"on other subjects, as many, {format_error_rate(difference, pairs)} EER more or less would be chance",
        )


def _within(interval: tuple[float, float] | None, pairs: int) -> str:
    if not interval:
        return "too few subjects for a range"
    return f"95 % within {format_error_rate(interval[0], pairs)} … {format_error_rate(interval[1], pairs)}"


def _too_few(need: Results) -> str:
    return (
        f"too few pairs: it needs {need['pairs']:,} non-mated ones, those of {need['subjects']:,} subjects like these"
    )


def _twins(twins: Results) -> Iterator[str]:
    right = twins["right_mated"] + twins["right_non_mated"]
    pairs = f"{twins['mated']:,} mated and {twins['non_mated']:,} non-mated pairs within groups"
    among = f"among {pairs}, of {twins['subjects']:,} subjects"
    yield _line("same group, EER", f"{_eer_of(twins)}   {among}" if twins["eer"] is not None else _eer_of(twins))
    yield _line(
        "same group, right",
        f"{format_error_rate(twins['accuracy'], twins['pairs'])}   "
        f"{right:,} of {twins['pairs']:,} pairs, at the threshold of all",
    )


def _eer_of(twins: Results) -> str:
    if twins["eer"] is None:
        return "no subject of a group has two samples"
    return format_error_rate(twins["eer"], min(twins["mated"], twins["non_mated"]))


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
    parser = add_cases_arguments(add_weights_arguments(make_run_parser("evaluate", _DESCRIPTION, *_EXAMPLES)))
    parser.add_argument("--json", action="store_true", help="one JSON object on stdout")
    with open_run(parser, arguments) as it:
        if it.world.is_main and it.weights.found.step == 0:
            sys.stderr.write(_UNTRAINED)
        names = it.weights.config.validate.metric == "accuracy"
        if names:
            _print_results(it, _of_names(it), format_accuracy)
        if it.words.cases or not names:
            whole = _embed(it)
            if not names:
                _print_results(it, _of_pairs(it, whole), format_results)
            if it.words.cases:
                write_cases(it, whole)
    return 0


def _print_results(it: RunArguments, figures: Mapping[str, Any], text: Callable[[Mapping[str, Any]], str]) -> None:
    if it.world.is_main:
        sys.stdout.write(json.dumps(figures) + "\n" if it.words.json else text(figures))
        sys.stdout.flush()


def _embed(it: RunArguments) -> Embeddings:
    weights = it.weights
    return embed_split(weights.network, weights.feed(it.split, it.world), weights.augment, it.world)


def _of_names(it: RunArguments) -> Mapping[str, Any]:
    weights = it.weights
    found = classify_split(weights.network, weights.feed(it.split, it.world), weights.augment, it.world, lambda: True)
    assert found is not None  # nobody asks it to stop
    return {"split": it.split, "step": weights.found.step, **found.as_json()}


def _of_pairs(it: RunArguments, whole: Embeddings) -> Mapping[str, Any]:
    weights = it.weights
    groups = groups_of(weights.config.data.path, weights.generation, it.split)
    found = verify_embeddings(whole, weights.config.validate.far, groups, share_of(it.world)).as_json()
    return {"split": it.split, "step": weights.found.step, **_but_curve(found)}


def _but_curve(figures: Mapping[str, Any]) -> Mapping[str, Any]:
    return {name: each for name, each in figures.items() if name != "det"}
