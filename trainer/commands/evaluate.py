"""`python -m trainer evaluate RUN`: how well the weights of a run tell subjects apart."""

import json
import sys
from collections.abc import Mapping, Sequence
from typing import Any

from trainer.commands.run_folder import Asked, asked, parser_of_run, with_weights
from trainer.judging import judged

_DESCRIPTION = """Compare all pairs of a split, and print EER with its interval and true accept rates.

The figures are the same on any number of ranks: torchrun … -m trainer evaluate RUN"""

_HEAD = (
    "{split} at step {step}: {samples} samples of {subjects} subjects, {mated} mated and {non_mated} non-mated pairs"
)


def main(arguments: Sequence[str]) -> int:
    parser = with_weights(parser_of_run("evaluate", _DESCRIPTION))
    parser.add_argument("--json", action="store_true", help="one JSON object on stdout")
    with asked(parser, arguments) as it:
        figures = _figures(it)
        if it.world.leads:
            sys.stdout.write(json.dumps(figures) + "\n" if it.words.json else _text(figures))
    return 0


def _figures(it: Asked) -> Mapping[str, Any]:
    weights = it.weights
    feed = weights.feed(it.split, it.world)
    far = weights.config.validate.far
    found = judged(weights.network, feed, weights.augment, it.world, far, lambda: True)
    assert found is not None  # nobody asks it to stop
    return {"split": it.split, "step": weights.found.step, **_but_curve(found.as_json())}


def _but_curve(figures: Mapping[str, Any]) -> Mapping[str, Any]:
    return {name: each for name, each in figures.items() if name != "det"}


def _text(figures: Mapping[str, Any]) -> str:
    low_high = figures["interval"]
    within = f"95 % within {_rate(low_high[0])} … {_rate(low_high[1])}" if low_high else "too few subjects for a range"
    counted = {name: f"{figures[name]:,}" for name in ("step", "samples", "subjects", "mated", "non_mated")}
    lines = [
        _HEAD.format(split=figures["split"], **counted),
        _line("EER", f"{_rate(figures['eer'])}   {within}"),
        *(
            _line(f"TAR @ FAR {far}", "too few pairs" if tar is None else _rate(tar))
            for far, tar in figures["tar"].items()
        ),
    ]
    return "\n".join(lines) + "\n"


def _line(name: str, value: str) -> str:
    return f"{name:<18} {value}"


def _rate(share: float) -> str:
    return f"{100 * share:.2f} %"
