"""By which rate a validation is told: errors over pairs, or over the names that samples were given."""

from collections.abc import Mapping
from typing import Any

_NAMES = {"eer": "EER", "error": "error"}


def rate_of(figures: Mapping[str, Any]) -> tuple[str, float] | None:
    """What it is called, and the rate; less is better."""
    there = [(called, float(figures[name])) for name, called in _NAMES.items() if figures.get(name) is not None]
    return there[0] if there else None
