"""Random draws that depend on their key alone: never on what was drawn before, or by which process."""

from enum import IntEnum

import numpy as np


class Stream(IntEnum):
    """What a draw is for. Two purposes never share a stream, so adding a draw to one leaves the other's bytes alone."""

    MASTER = 1
    IMPRESSION = 2
    IDENTITY = 3
    PAIR = 4
    CHUNK = 5
    TEMPLATE = 6
    GRAIN = 7


def generator(seed: int, stream: Stream, subject: int = 0, impression: int = 0) -> np.random.Generator:
    # Always four words: SeedSequence takes a shorter key for the same key with zeros behind it.
    return np.random.Generator(np.random.SFC64(np.random.SeedSequence([seed, stream, subject, impression])))
