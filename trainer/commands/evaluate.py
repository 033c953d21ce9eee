"""`python -m trainer evaluate RUN`: how well the weights of a run tell subjects apart, or name their classes."""

import json
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from trainer.commands.cases import show_cases, with_cases
from trainer.commands.evaluate_text import text_of, text_of_names
from trainer.commands.run_folder import Asked, asked, parser_of_run, with_weights
from trainer.judging import Embedded, compared, embedded, groups_of, share_of
from trainer.naming import named

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
