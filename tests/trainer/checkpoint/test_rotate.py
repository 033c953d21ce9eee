from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from tests.trainer.checkpoint.kept import saved
from trainer.checkpoint.store import STATE_FILE, checkpoint_folder, expired_steps, list_steps


@given(st.sets(st.integers(0, 10**12)), st.integers(1, 5), st.integers(0, 10**12) | st.none())
def test_the_newest_and_the_best_stay(steps: set[int], keep: int, best: int | None) -> None:
    gone = set(expired_steps(steps, keep, best))
    stay = steps - gone
    assert set(sorted(steps)[-keep:]) <= stay
    assert best not in gone
    assert len(stay) <= keep + (best in stay)


def test_from_step_nine_to_eleven(tmp_path: Path) -> None:
    """Mistake 1 of the guides: rotation by sorted names deleted the newest from epoch 10 on."""
    saved(tmp_path, 8, 9, 10, 11, 100, keep=2)
    assert list_steps(tmp_path) == [11, 100]


def test_the_best_survives(tmp_path: Path) -> None:
    saved(tmp_path, 1, 2, 3, 4, 5, keep=2, best=(1, 2))
    assert list_steps(tmp_path) == [2, 4, 5]


def test_what_was_never_finished_goes_with_the_next(tmp_path: Path) -> None:
    saved(tmp_path, 1, 2)
    (checkpoint_folder(tmp_path, 1) / STATE_FILE).unlink()
    saved(tmp_path, 3)
    assert list_steps(tmp_path) == [2, 3]
