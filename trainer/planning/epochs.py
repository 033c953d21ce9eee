"""How many epochs a number of samples asks for: the more there are, the fewer times each is seen."""

from itertools import pairwise
from math import log

GUIDE = {50_000: 15, 1_000_000: 10, 10_000_000: 5, 50_000_000: 3}
"""The users' guides' table. Their formula, max(5, min(15, 50000 / n)), says 5 at 50,000 samples."""
ENOUGH_STEPS = 800
"""What the demo learns in. Fewer samples than the table knows fill few rows, and a net learns by steps."""


def epochs_for(samples: int, epoch_steps: int) -> int:
    if samples < min(GUIDE):
        return max(by_table(samples), round(ENOUGH_STEPS / epoch_steps))
    return by_table(samples)


def by_table(samples: int) -> int:
    """Between the lines of the table straight in the logarithm; its ends hold for what lies beyond."""
    if samples <= min(GUIDE):
        return GUIDE[min(GUIDE)]
    for (less, more_epochs), (more, fewer_epochs) in pairwise(GUIDE.items()):
        if samples <= more:
            share = log(samples / less) / log(more / less)
            return round(more_epochs + share * (fewer_epochs - more_epochs))
    return GUIDE[max(GUIDE)]
