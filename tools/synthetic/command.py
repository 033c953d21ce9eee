"""The options that the data tools' commands share."""

import math
import os
from typing import Any

import click

from synthetic.tree import USERS_LAYOUT

MOST_WORKERS = 256

seed_option = click.option(
    "--seed", type=click.IntRange(0, 2**63 - 1), default=0, show_default=True, help="Another seed, other subjects."
)
workers_option = click.option(
    "--workers",
    type=click.IntRange(1, MOST_WORKERS),
    default=min(len(os.sched_getaffinity(0)), MOST_WORKERS),
    show_default="the cores this process may use",
    help="How many work at once; any number writes the same bytes.",
)


class Size(click.ParamType[tuple[int, int]]):
    """An image size: `512` for a square, `400x320` for 400 rows of 320 pixels."""

    name = "SIZE"

    def __init__(self, smallest: int, largest: int) -> None:
        self._smallest, self._largest = smallest, largest

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[int, int]:  # noqa: ANN401 - click's own signature
        if isinstance(value, tuple):
            return value
        sides = str(value).lower().split("x")
        if len(sides) > 2 or not all(side.isdecimal() for side in sides):  # noqa: PLR2004 - rows and columns
            self.fail(f"{value!r} is no size; write 512, or 400x320 for rows x columns.", param, ctx)
        rows, columns = int(sides[0]), int(sides[-1])
        if not all(self._smallest <= side <= self._largest for side in (rows, columns)):
            self.fail(f"{value!r}: each side must be {self._smallest} to {self._largest} pixels.", param, ctx)
        return rows, columns


class FiniteRange(click.FloatRange):
    """A number in a range; click's own lets `nan` pass, which is below and above nothing."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:  # noqa: ANN401 - click's own signature
        number = float(super().convert(value, param, ctx))
        if math.isnan(number):
            self.fail(f"{value!r} is no number.", param, ctx)
        return number


layout_option = click.option(
    "--layout", default=USERS_LAYOUT, show_default=True, help="Where an image lies inside OUT."
)
