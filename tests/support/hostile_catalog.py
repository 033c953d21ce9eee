"""Every hostile dataset, by name."""

from collections import Counter
from pathlib import Path

from tests.support import (
    hostile_manifests,
    hostile_options,
    hostile_places,
    hostile_plans,
    hostile_removals,
    hostile_tables,
    hostile_tars,
    hostile_values,
)
from tests.support.hostile_case import Case

_NAMING = (hostile_values, hostile_manifests, hostile_options, hostile_plans, hostile_removals, hostile_tars)


def catalog(victim: Path) -> dict[str, Case]:
    """Return the cases; those that name a path outside name one in the folder `victim`."""
    cases = [*hostile_places.cases(), *hostile_tables.cases()]
    cases += [case for each in _NAMING for case in each.cases(victim)]
    repeated = [name for name, count in Counter(each.name for each in cases).items() if count > 1]
    assert not repeated, repeated
    return {each.name: each for each in cases}
