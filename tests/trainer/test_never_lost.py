"""FAULTS 24, by real processes: killed anywhere and taken up, a run ends with the bits of a straight one."""

from pathlib import Path

import pytest
import torch

from tests.trainer.conftest import Straight
from tests.trainer.jobs import arguments, job, metrics, state, steps, tensors
from trainer.metrics.records import CLOCK_FIELDS

LAST = 12
SEVERAL_BUCKETS = {"model.width": 1, "model.embedding": 64}
"""DDP sends a small network in one piece, whose order cannot go wrong. Seen to fail without `Step.warm_up`."""

EVERY_TERM: dict[str, object] = {
    "data.sampler": "pk",
    "data.impressions_per_subject": 2,
    "head.sharded": "true",
    "head.sampled": 0.5,
    "loss.center": 0.125,
    "loss.triplet": 0.4,
    "loss.pairs": 0.4,
    "loss.focal": 0.2,
}


def assert_same_run(one: Path, other: Path) -> None:
    """Weights, averaged weights, optimiser, metrics, scaler, counters and the samples that come next."""
    ours, theirs = tensors(one, LAST), tensors(other, LAST)
    assert ours.keys() == theirs.keys()
    assert [name for name in ours if not torch.equal(ours[name], theirs[name])] == []
    for field in ("progress", "scaler", "stream"):
        assert state(one, LAST)[field] == state(other, LAST)[field]
    assert metrics(one, *CLOCK_FIELDS) == metrics(other, *CLOCK_FIELDS)


@pytest.mark.parametrize(
    ("ranks", "fault", "options"),
    [
        (1, "write step=8", {"amp.dtype": "bf16"}),
        (2, "kill-agent rank=1 step=5", {}),
        (4, "kill rank=2 step=9", {"amp.dtype": "bf16", **SEVERAL_BUCKETS, **EVERY_TERM}),
    ],
)
def test_killed_and_taken_up_it_ends_with_the_same_bits(  # noqa: PLR0917 - what pytest hands in
    data: Path, tmp_path: Path, straight: Straight, ranks: int, fault: str, options: dict[str, object]
) -> None:
    words = arguments(data, tmp_path / "run", **options)
    assert job(ranks, words, fault).code not in {0, 143}
    assert steps(tmp_path / "run")[-1] < LAST
    ended = job(ranks, words)

    assert ended.code == 0, ended.said
    assert_same_run(tmp_path / "run", straight(ranks, **options))
