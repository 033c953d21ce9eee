"""What is sealed comes back as it was, and nothing else passes for it."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.trainer.checkpoint.kept import files, saved, warned
from trainer.checkpoint.store import (
    STATE_FILE,
    checkpoint_folder,
    checkpoints_folder,
    find_at,
    find_latest,
    list_steps,
    load_tensors,
)
from trainer.checkpoint.writer import CheckpointWriter
from trainer.errors import Mismatch

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
