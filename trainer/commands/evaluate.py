"""`python -m trainer evaluate RUN`: how well the weights of a run tell subjects apart."""

import json
import sys
from collections.abc import Mapping, Sequence
from typing import Any

from trainer.commands.run_folder import Asked, asked, parser_of, with_weights
from trainer.judging import judged

_DESCRIPTION = "Compare all pairs of a split, and print EER with its interval and true accept rates."


def main(arguments: Sequence[str]) -> int:
    parser = with_weights(parser_of("evaluate", _DESCRIPTION))
    parser.add_argument("--json", action="store_true", help="one JSON object on stdout")
    with asked(parser, arguments) as it:
        figures = _figures(it)
        if it.world.leads:
            sys.stdout.write(json.dumps(figures) + "\n" if it.words.json else _text(figures))
    return 0


def _figures(it: Asked) -> Mapping[str, Any]:
    weights = it.weights
    feed = weights.feed(it.words.split, it.world)
    far = weights.config.validate.far
    found = judged(weights.network, feed, weights.augment, it.world, far, lambda: True)
    assert found is not None  # nobody asks it to stop
    return {"split": it.words.split, "step": weights.found.step, **_but_curve(found.as_json())}


def _but_curve(figures: Mapping[str, Any]) -> Mapping[str, Any]:
    return {name: each for name, each in figures.items() if name != "det"}


def _text(figures: Mapping[str, Any]) -> str:
    low_high = figures["interval"]
    interval = f"   95 % within {_rate(low_high[0])} … {_rate(low_high[1])}" if low_high else ""
    pairs = f"{figures['mated']:,} mated and {figures['non_mated']:,} non-mated pairs"
    lines = [
        f"{figures['split']} at step {figures['step']:,}: {pairs}",
        f"EER            {_rate(figures['eer'])}{interval}",
        *(
            f"TAR @ FAR {far:<8} {_rate(tar) if tar is not None else 'too few pairs'}"
            for far, tar in figures["tar"].items()
        ),
    ]
    return "\n".join(lines) + "\n"


def _rate(share: float) -> str:
    return f"{100 * share:.2f} %"
