"""By which rate a validation is told: errors over pairs, or over the names that samples were given."""

from collections.abc import Mapping
from typing import Any, NamedTuple


class Rate(NamedTuple):
    """Less is better."""

    called: str
    value: float
    counted: int
    """Pairs or samples; of two kinds, the fewer."""


def rate_of(figures: Mapping[str, Any]) -> Rate | None:
    if figures.get("eer") is not None:
        return Rate("EER", float(figures["eer"]), min(figures["mated"], figures["non_mated"]))
    if figures.get("error") is not None:
        return Rate("error", float(figures["error"]), figures["samples"])
    return None
