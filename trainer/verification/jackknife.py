"""How far the EER of other subjects may lie: subjects are left out, a group at a time, and the EER is computed again.

Pairs share samples, so they are not independent, and an interval from their number would be far too narrow; subjects
are. The spread of the EERs without a group gives the standard error (the delete-a-group jackknife), and Student's t
with one degree of freedom less than groups the width.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt

from trainer.verification.counting import Coarse
from trainer.verification.rates import rates

FEWEST = 8
"""Groups below which a spread says nothing."""
_Z = 1.959964


@dataclass(frozen=True)
class Spread:
    error: float
    """The standard error of the EER."""
    freedom: int

    def around(self, eer: float) -> tuple[float, float]:
        """95 %."""
        reach = _students_t(self.freedom) * self.error
        return max(0.0, eer - reach), min(1.0, eer + reach)

    @property
    def difference(self) -> float:
        """Two independent runs, judged on so many subjects each, differ in truth if their EERs are further apart."""
        return _Z * sqrt(2) * self.error


def spread_of(found: Coarse) -> Spread | None:
    """From coarse counts; None where the subjects are too few, or leaving them out changes nothing."""
    without = _without_each(found)
    if len(without) < FEWEST:
        return None
    mean = sum(without) / len(without)
    error = sqrt((len(without) - 1) / len(without) * sum((each - mean) ** 2 for each in without))
    return Spread(error, len(without) - 1) if error else None


def _without_each(found: Coarse) -> Sequence[float]:
    """The EER without each group; nothing if one of them holds all mated or touches all non-mated pairs."""
    mated, non_mated = found.mated.sum(0), found.non_mated
    left = [
        rates((mated - own).cpu().numpy(), (non_mated - touching).cpu().numpy())
        for own, touching in zip(found.mated, found.touching, strict=True)
    ]
    return [float(each.eer()) for each in left] if all(each.mated and each.non_mated for each in left) else []


def _students_t(freedom: float) -> float:
    """The 97.5 % quantile, by its expansion around the normal one: right to 0.001 from 7 degrees of freedom on."""
    z = _Z
    terms = (
        z,
        (z**3 + z) / 4,
        (5 * z**5 + 16 * z**3 + 3 * z) / 96,
        (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / 384,
    )
    return sum(term / freedom**power for power, term in enumerate(terms))
