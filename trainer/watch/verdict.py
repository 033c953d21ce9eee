"""Whether the data is the bottleneck, and what to change then, the cheapest first."""

from trainer.watch.measured import Measured
from trainer.watch.words import percent

BOUND = 0.2
"""The share of waiting from which on the model could learn noticeably faster."""
_WHAT_TO_CHANGE = (
    "Change, in this order: data.threads (more of them, if cores are idle); pack with a codec that decodes faster "
    "(`shardkit pack --codec zstd`, or lz4, which is larger); faster storage. `shardkit bench` shows which step bounds "
    "it."
)


class Verdicts:
    """Over the records of a run: said once, and again only after the data had kept up meanwhile.

    The first record holds the opening of the stream, which does not come again, and is not judged.
    """

    def __init__(self) -> None:
        self._begun = self._bound = False

    def of(self, measured: Measured) -> str | None:
        said = verdict(measured) if self._begun else None
        new = said if not self._bound else None
        self._begun, self._bound = True, said is not None
        return new


def verdict(measured: Measured) -> str | None:
    """None as long as the data keeps up."""
    if measured.data_wait <= BOUND:
        return None
    who = f"rank {measured.slowest}" if len(measured.waits) > 1 else "the step"
    share = percent(measured.data_wait, 0)
    return f"The data is the bottleneck: {who} waited for it {share} of the time. {_WHAT_TO_CHANGE}"
