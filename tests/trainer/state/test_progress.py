"""Mistake 4 of the guides: patience goes on counting over epochs and resumes."""

import json
from math import isnan

from trainer.checkpoint.state import Progress


def test_patience_counts_the_routine_kind_alone() -> None:
    progress = Progress()
    assert progress.judged("subset", 0.2, routine=True)
    assert progress.judged("full", 0.3, routine=False)
    assert not progress.judged("subset", 0.2, routine=True)
    assert progress.judged("full", 0.25, routine=False)
    assert not progress.judged("subset", 0.21, routine=True)
    assert progress.stale == 2


def test_a_loss_that_is_no_number_is_not_counted() -> None:
    """fp16 may leave out such a row, and JSON has no word for it."""
    progress = Progress()
    progress.took(float("nan"), applied=False)
    json.dumps(progress.as_json(), allow_nan=False)
    progress.took(2.0, applied=True)
    assert progress.mean_loss() == 2.0
    progress.took(float("inf"), applied=False)
    assert isnan(progress.mean_loss())


def test_it_survives_json() -> None:
    progress = Progress()
    progress.took(1 / 3, applied=True)
    progress.judged("full", 0.1, routine=True)
    progress.judged("full", 0.2, routine=True)
    again = Progress(**json.loads(json.dumps(progress.as_json())))
    assert again == progress
    again.judged("full", 0.2, routine=True)
    assert again.stale == 2


def test_the_mean_is_of_the_rows_since_the_last_record() -> None:
    progress = Progress()
    for loss in (1.0, 2.0, 6.0):
        progress.took(loss, applied=True)
    assert progress.mean_loss() == 3.0
    progress.took(5.0, applied=False)
    assert progress.mean_loss() == 5.0
    assert (progress.step, progress.skipped, progress.skipped_in_a_row) == (4, 1, 1)
