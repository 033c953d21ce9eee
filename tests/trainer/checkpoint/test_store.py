"""What is sealed comes back as it was, and nothing else passes for it."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.trainer.checkpoint.kept import assert_whole, files, saved, warned
from trainer.checkpoint.store import (
    STATE_FILE,
    checkpoint_folder,
    checkpoints_folder,
    expired_steps,
    find_at,
    find_before,
    find_best,
    find_latest,
    list_steps,
    load_tensors,
)
from trainer.checkpoint.writer import CheckpointWriter
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


LEAVES = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text()

JSON = st.recursive(LEAVES, lambda each: st.lists(each) | st.dictionaries(st.text(), each), max_leaves=8)


def written(run: Path, tensors: dict[str, torch.Tensor], said: dict[str, Any]) -> None:
    writer = CheckpointWriter(run, 3)
    writer.save(1, {"model": tensors}, said)
    writer.close()


@settings(max_examples=25)
@given(st.dictionaries(st.text(), JSON))
def test_whatever_json_holds_comes_back(tmp_path_factory: pytest.TempPathFactory, said: dict[str, Any]) -> None:
    run = tmp_path_factory.mktemp("run")
    written(run, {"weight": torch.zeros(1)}, {"own": said})
    assert find_at(run, 1).state["own"] == said
    shutil.rmtree(run)


def test_numbers_as_keys_come_back_as_text(tmp_path: Path) -> None:
    """As JSON has it; as numbers they sort otherwise, and the seal must not depend on it."""
    written(tmp_path, {"weight": torch.zeros(1)}, {"own": {9: "a", 10: "b"}})
    assert find_at(tmp_path, 1).state["own"] == {"9": "a", "10": "b"}


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float16, torch.int64, torch.bool])
def test_every_bit_of_every_dtype_comes_back(tmp_path: Path, dtype: torch.dtype) -> None:
    """NaNs, infinities and negative zeros are bits like others."""
    weight = torch.randint(0, 256, (64,), dtype=torch.uint8)
    weight = weight % 2 == 1 if dtype is torch.bool else weight.view(dtype)
    written(tmp_path, {"weight": weight, "none": weight[:0], "one": weight[0].clone()}, {})
    loaded = load_tensors(checkpoint_folder(tmp_path, 1))["model"]
    assert loaded["weight"].dtype == dtype
    assert torch.equal(loaded["weight"].view(torch.uint8), weight.view(torch.uint8))
    assert (loaded["none"].shape, loaded["one"].shape) == ((0,), ())


@pytest.mark.parametrize("said", [float("nan"), float("inf"), {1}, Path("there")])
def test_a_state_that_is_no_json_is_refused_before_anything_is_written(tmp_path: Path, said: object) -> None:
    with pytest.raises((ValueError, TypeError), match="JSON"):
        CheckpointWriter(tmp_path, 3).save(1, files(1), {"own": said})
    assert not checkpoints_folder(tmp_path).exists()


def test_a_state_that_changes_meanwhile_is_written_as_it_was(tmp_path: Path) -> None:
    said = {"own": ["as it was"]}
    writer = CheckpointWriter(tmp_path, 3)
    writer.save(1, files(1), said)
    said["own"].append("later")
    writer.close()
    assert find_at(tmp_path, 1).state["own"] == ["as it was"]


def test_a_folder_under_another_name_is_not_that_step(tmp_path: Path) -> None:
    saved(tmp_path, 1)
    shutil.copytree(checkpoint_folder(tmp_path, 1), checkpoint_folder(tmp_path, 20))
    said: list[str] = []
    newest = find_latest(tmp_path, said.append)
    assert newest
    assert newest.step == 1
    assert "it was written as step 1" in said[0]


def test_a_state_of_somebody_else_is_passed_over(tmp_path: Path) -> None:
    saved(tmp_path, 1, 2)
    for content in (b"{}", b"[1]", b"null", b"\xff", b'{"state": {}, "blake3": ""}'):
        (checkpoint_folder(tmp_path, 2) / STATE_FILE).write_bytes(content)
        said: list[str] = []
        newest = find_latest(tmp_path, said.append)
        assert newest
        assert newest.step == 1
        assert STATE_FILE in said[0]


def test_what_is_gone_when_it_is_loaded_is_told(tmp_path: Path) -> None:
    saved(tmp_path, 1)
    newest = find_latest(tmp_path, warned)
    assert newest
    (newest.folder / STATE_FILE).unlink()
    with pytest.raises(Mismatch, match="another job"):
        load_tensors(newest.folder)


def test_names_that_only_look_like_a_checkpoint(tmp_path: Path) -> None:
    saved(tmp_path, 1)
    for name in ("step-2", "step-00000000003", "step-0000000004.old", "step-٠٠٠٠٠٠٠٠٠٥"):  # noqa: RUF001 - digits, but not ours
        (checkpoints_folder(tmp_path) / name).mkdir()
    (checkpoints_folder(tmp_path) / "step-0000000006").touch()
    assert list_steps(tmp_path) == [1]
    saved(tmp_path, 12345678901)
    assert list_steps(tmp_path) == [1, 12345678901]
    assert json.loads((checkpoints_folder(tmp_path) / "latest.json").read_bytes()) == {"step": 12345678901}
