"""The newest whole checkpoint is found by its bytes, and what is damaged is passed over with its reason."""

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.trainer.checkpoint.kept import assert_whole, saved, warned
from trainer.checkpoint.store import (
    STATE_FILE,
    checkpoint_folder,
    find_at,
    find_before,
    find_best,
    find_latest,
    list_steps,
)
from trainer.errors import Mismatch


def test_steps_are_numbers() -> None:
    """Mistake 1 of the guides: by their names, 9 would be newer than 10."""
    assert str(checkpoint_folder(Path("run"), 1234)) == "run/checkpoints/step-0000001234"


def test_the_newest_is_found_and_whole(tmp_path: Path) -> None:
    saved(tmp_path, 9, 10, 100, 11)
    newest = find_latest(tmp_path, warned)
    assert newest
    assert newest.step == 100
    assert_whole(newest)
    assert list_steps(tmp_path) == [9, 10, 11, 100]


def test_nothing_is_found_where_nothing_is(tmp_path: Path) -> None:
    assert find_latest(tmp_path, warned) is None
    assert find_best(tmp_path, warned) is None


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_a_flipped_bit_anywhere_is_passed_over(tmp_path: Path, data: st.DataObject) -> None:
    if not list_steps(tmp_path):
        saved(tmp_path, 1, 2)
    path = data.draw(st.sampled_from(sorted(checkpoint_folder(tmp_path, 2).iterdir())))
    whole = path.read_bytes()
    content = bytearray(whole)
    content[data.draw(st.integers(0, len(content) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    path.write_bytes(content)
    said: list[str] = []
    older = find_latest(tmp_path, said.append)
    path.write_bytes(whole)

    assert older
    if older.step == 2:  # a blank of the JSON, say: what it says is the same
        assert path.name == STATE_FILE
        assert_whole(older)
    else:
        assert_whole(older)
        (warning,) = said
        assert path.name in warning
        assert "Step 1 is used instead." in warning


@pytest.mark.parametrize("name", ["model.safetensors", "optimizer.safetensors", STATE_FILE])
@pytest.mark.parametrize("cut", [True, False])
def test_a_missing_or_cut_file_is_passed_over(tmp_path: Path, name: str, *, cut: bool) -> None:
    saved(tmp_path, 1, 2)
    path = checkpoint_folder(tmp_path, 2) / name
    content = path.read_bytes()
    path.unlink()
    if cut:
        path.write_bytes(content[:-1])
    said: list[str] = []
    older = find_latest(tmp_path, said.append)
    assert older
    assert older.step == 1
    assert name in said[0]
    with pytest.raises(Mismatch, match="no whole checkpoint"):
        find_at(tmp_path, 2)


def test_the_best_one_is_named(tmp_path: Path) -> None:
    saved(tmp_path, 1, 2, 3, best=(2,))
    one = find_best(tmp_path, warned)
    assert one
    assert one.step == 2


def test_before_a_step(tmp_path: Path) -> None:
    saved(tmp_path, 4, 8)
    assert [each.step if (each := find_before(tmp_path, step, warned)) else None for step in (4, 5, 8, 9)] == [
        None,
        4,
        4,
        8,
    ]
