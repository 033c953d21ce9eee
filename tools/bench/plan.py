"""What `make bench` runs, in which order, and about how long each takes on two cores; README's figures come first."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Script:
    name: str
    minutes: float
    """On two cores, beyond data that is made once and kept."""
    lacks: str = ""
    """What of its page it cannot reproduce without a GPU."""


SCRIPTS = (
    Script("readers", 5),
    Script("writers", 5),
    Script("checkers", 3),
    Script("overhead", 3),
    Script("startup", 0.2),
    Script("pixel_codecs", 1),
    Script("pack_memory", 4),
    Script("plan_scale", 1),
    Script("scale", 4),
    Script("cold", 2),
    Script("shuffle", 2),
    Script("opens", 1),
    Script("ridges", 0.5),
    Script("enhancing", 2),
    Script("make_data", 4),
    Script("learn_prints", 8),
    Script("training", 10),
    Script("heads", 8),
    Script("card", 2, "samples a second of one card: without a GPU it shows that the run works, and no figure"),
    Script("learning", 50),
    Script("twins", 30),
    Script("minutiae", 15),
)

LONG = 90  # minutes, from which on they are told in hours


class Unknown(Exception):
    def __init__(self, names: Sequence[str]) -> None:
        known = " ".join(script.name for script in SCRIPTS)
        super().__init__(f"No such benchmark: {' '.join(names)}. There are: {known}")


def chosen(only: Sequence[str]) -> list[Script]:
    """All, or those named, in the order of the plan."""
    if unknown := [name for name in only if name not in {script.name for script in SCRIPTS}]:
        raise Unknown(unknown)
    return [script for script in SCRIPTS if not only or script.name in only]


def duration(scripts: Sequence[Script]) -> str:
    minutes = sum(script.minutes for script in scripts)
    return f"{minutes / 60:.1f} h" if minutes >= LONG else f"{max(minutes, 1):.0f} min"
