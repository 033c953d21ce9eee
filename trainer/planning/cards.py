"""How many samples a card takes at once, by its memory; and how ranks share the batch that
the config names, where that is not known.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Batch:
    """Of one card or rank."""

    micro: int
    """Samples of one forward and backward."""
    accumulation: int
    """Micro-batches a step."""

    @property
    def samples(self) -> int:
        return self.micro * self.accumulation


LADDER = {16: Batch(32, 2), 24: Batch(64, 1), 40: Batch(128, 1), 80: Batch(256, 1)}
"""By gigabytes, from the users' guides, for full-size nets on inputs of about 300 x 300 in half precision."""


def batch_on_card(gigabytes: float) -> Batch:
    """That of the highest step which the card reaches. Smaller cards take the lowest one in smaller bites."""
    reached = [each for each in LADDER if each <= gigabytes]
    if reached:
        return LADDER[max(reached)]
    smallest, lowest = min(LADDER), LADDER[min(LADDER)]
    micro = lowest.micro
    while micro > 1 and micro * smallest > lowest.micro * gigabytes:
        micro //= 2
    return Batch(micro, lowest.samples // micro)


def batch_as_asked(global_batch: int, micro_batch: int, ranks: int) -> Batch:
    """Where memory is no reason to change the config's batch, or nobody knows how much it takes. It grows where the
    ranks do not divide it.
    """
    share = -(-global_batch // ranks)
    micro = max(each for each in range(1, min(micro_batch, share) + 1) if share % each == 0)
    return Batch(micro, share // micro)
