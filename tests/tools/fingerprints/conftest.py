"""Fingers and impressions that several tests look at: growing them once keeps the suite short."""

from dataclasses import dataclass

import pytest

from synthetic.fingerprints.impression import Impression, make_impression
from synthetic.fingerprints.master import Master, make_master, master_shape

SEED = 0
SHAPE = (400, 320)
SUBJECTS = 12
IMPRESSIONS = 4


@dataclass(frozen=True)
class Finger:
    master: Master
    impressions: list[Impression]


@pytest.fixture(scope="session")
def fingers() -> list[Finger]:
    masters = [make_master(SEED, subject, master_shape(*SHAPE)) for subject in range(SUBJECTS)]
    return [
        Finger(master, [make_impression(master, SEED, subject, number, SHAPE) for number in range(IMPRESSIONS)])
        for subject, master in enumerate(masters)
    ]
