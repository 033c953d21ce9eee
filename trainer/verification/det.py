"""The curve of FNMR over FMR, in few points that are spread evenly where it is drawn: on two logarithmic axes."""

import numpy as np

from trainer.verification.rates import Rates

POINTS = 200


def det(curve: Rates) -> tuple[tuple[float, float], ...]:
    """(FMR, FNMR) from a threshold below all scores to one above them: FMR falls and FNMR rises."""
    fmr, fnmr = curve.accepted / curve.non_mated, curve.refused / curve.mated
    # A logarithm has no zero: half a pair stands for none.
    across = np.log(np.maximum(curve.accepted, 0.5) / curve.non_mated)
    upwards = np.log(np.maximum(curve.refused, 0.5) / curve.mated)
    way = np.concatenate([[0.0], (np.abs(np.diff(across)) + np.abs(np.diff(upwards))).cumsum()])
    kept = np.unique(np.searchsorted(way, np.linspace(0.0, way[-1], POINTS)))
    return tuple((float(fmr[at]), float(fnmr[at])) for at in kept)
