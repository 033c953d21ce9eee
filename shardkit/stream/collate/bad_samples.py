"""Bad samples: the log of those that could not be served, and their replacements.

Replacements are the same on every machine, so the ranks stay in step. A replacement is always a sample of the stream's
subset, and is served once more than the order says. The guarantees of a sampler hold for the batch with it:

    uniform    the next sample of the index, wrapping around
    balanced   another sample of the subject; the next of the index if there is none
    pk         another sample of the subject; else the subject's complete unit is replaced by that of a subject
               which the batch does not show
    pairs      another sample of the subject; else a mated pair is replaced completely, and in a non-mated one by a
               subject that the batch does not show, of the same group if possible

Each bad sample is logged once per process, and listed for the user.
"""

import logging
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import chain, islice
from typing import NamedTuple

import numpy as np

from shardkit.stream.order.options import SplitCatalog
from shardkit.stream.order.rng import IntArray
from shardkit.stream.read.sample_index import IndexRows

_log = logging.getLogger("shardkit.stream")


@dataclass(frozen=True)
class BadSample:
    """`instead` is the key that took its place."""

    key: str
    why: str
    instead: str


class Quarantine:
    """The bad samples that this process met, in the order in which it met them."""

    def __init__(self) -> None:
        self._met: dict[str, BadSample] = {}

    def __iter__(self) -> Iterator[BadSample]:
        return iter(list(self._met.values()))

    def __len__(self) -> int:
        return len(self._met)

    def add(self, bad: BadSample) -> None:
        if self._met.setdefault(bad.key, bad) is bad:  # one operation, which no other thread can come between
            _log.warning("%s is bad and %s is served instead. %s", bad.key, bad.instead, bad.why)


_TRIES = 64
"""Where so many in a row are bad, something else is wrong."""


class ReplacementPlan(NamedTuple):
    """Lines of a batch, and the samples that may be served there: the first sound ones, one for each line."""

    lines: range
    candidates: Iterable[int]


class BadSlot(NamedTuple):
    """Where a bad sample stands."""

    number: int
    line: int
    batch: IntArray
    """The samples of this rank's batch, as they are planned or replaced so far."""
    row: IntArray
    """The samples of all ranks, as they are planned."""


@dataclass(frozen=True)
class ReplacementFinder:
    sampler: str
    unit: int
    catalog: SplitCatalog
    chosen: IntArray | None
    """The samples of the subset, ascending; None for all."""

    def plans(self, bad: BadSlot) -> Iterator[ReplacementPlan]:
        """The plans in the order in which they are tried."""
        line = range(bad.line, bad.line + 1)
        if self.sampler == "uniform":
            yield ReplacementPlan(line, self._next_of_all(bad.number))
            return
        unit = range(bad.line // self.unit * self.unit, (bad.line // self.unit + 1) * self.unit)
        taken = {*bad.row.tolist(), *bad.batch[unit.start : unit.stop].tolist()}
        own = [each for each in self._next_of_subject(bad.number) if each not in taken]
        yield ReplacementPlan(line, own[:_TRIES])
        if self.sampler == "balanced":
            yield ReplacementPlan(line, self._next_of_all(bad.number))
        elif self.sampler == "pk" or self._is_mated(bad):
            for subject in self._subjects_not_in(bad, least=self.unit)[:_TRIES]:
                yield ReplacementPlan(unit, self._of_subject(int(subject)))
        else:
            yield ReplacementPlan(line, islice(self._of_others(bad), _TRIES))

    def _next_of_all(self, number: int) -> Iterator[int]:
        count = self.catalog.samples if self.chosen is None else len(self.chosen)
        start = number if self.chosen is None else int(np.searchsorted(self.chosen, number))
        for step in range(1, min(count, _TRIES + 1)):
            place = (start + step) % count
            yield place if self.chosen is None else int(self.chosen[place])

    def _next_of_subject(self, number: int) -> list[int]:
        samples = self._of_subject(int(self._subjects[number]))
        place = samples.index(number)
        return samples[place + 1 :] + samples[:place]

    def _of_others(self, bad: BadSlot) -> Iterator[int]:
        """Samples for a non-mated pair: first of the subject's own group, if the partner is of it, then of others."""
        partner = int(bad.batch[bad.line ^ 1])
        subjects = self._subjects_not_in(bad, least=1)
        groups = self._groups[subjects]
        own, others = self._groups[self._subjects[[bad.number, partner]]]
        kin = subjects[groups == own] if own == others else subjects[:0]
        strangers = subjects[groups != others]
        for subject in chain(kin.tolist(), strangers.tolist()):
            yield from self._of_subject(subject)

    def _is_mated(self, bad: BadSlot) -> bool:
        """Whether the pair is planned to show one subject."""
        place = int(np.flatnonzero(bad.row == bad.number)[0]) // self.unit * self.unit
        first, second = self._subjects[bad.row[place : place + self.unit]]
        return bool(first == second)

    def _subjects_not_in(self, bad: BadSlot, least: int) -> IntArray:
        """Subjects with at least so many samples that the row does not show, after the bad sample's and on around.

        Each unit of the row has those of its own first: two of them do not come to the same subject.
        """
        there, _, counts = self._by_subject
        row = bad.row[bad.row >= 0]
        free = there[(counts >= least) & ~np.isin(there, self._subjects[row])]
        free = np.roll(free, -int(np.searchsorted(free, self._subjects[bad.number])))
        unit, units = int(np.flatnonzero(bad.row == bad.number)[0]) // self.unit, len(bad.row) // self.unit
        return np.concatenate([free[turn::units] for turn in ((unit + each) % units for each in range(units))])

    def _of_subject(self, subject: int) -> list[int]:
        there, starts, counts = self._by_subject
        place = int(np.searchsorted(there, subject))
        found: list[int] = self._sorted[starts[place] : starts[place] + counts[place]].tolist()
        return found

    @property
    def _subjects(self) -> IntArray:
        assert self.catalog.subjects is not None, "all samplers but uniform read them"
        return self.catalog.subjects

    @property
    def _groups(self) -> IntArray:
        assert self.catalog.groups is not None, "the sampler of pairs reads them"
        return self.catalog.groups

    @cached_property
    def _sorted(self) -> IntArray:
        """The samples of the subset, subject by subject and in each as they lie."""
        samples = np.arange(self.catalog.samples) if self.chosen is None else self.chosen
        return samples[np.argsort(self._subjects[samples], kind="stable")]

    @cached_property
    def _by_subject(self) -> tuple[IntArray, IntArray, IntArray]:
        """The subjects of the subset, where the samples of each start in `_sorted`, and their number."""
        return np.unique(self._subjects[self._sorted], return_index=True, return_counts=True)


def with_replacement(found: IndexRows, line: int, other: IndexRows) -> IndexRows:
    """A row with another sample in one of its lines."""
    numbers, shards, figures = found.numbers.copy(), found.shards.copy(), found.figures.copy()
    numbers[line], shards[line], figures[line] = other.numbers[0], other.shards[0], other.figures[0]
    minutiae = found.minutiae
    if minutiae is not None and other.minutiae is not None:
        minutiae = minutiae.copy()
        minutiae[line] = other.minutiae[0]
    return replace(
        found, numbers=numbers, shards=shards, figures=figures, minutiae=minutiae, keys={**found.keys, **other.keys}
    )
