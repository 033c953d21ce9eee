"""`trainer prove`: killed behind a step and taken up, the user's config gives the same bits; nothing stays behind."""

import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch

from tests.trainer.cli.said import said
from tests.trainer.jobs import ROOT, arguments
from trainer.__main__ import main
from trainer.checkpoint.store import load_tensors
from trainer.cli import prove
from trainer.cli.prove import TrainingProcess, TrialFailedError, compare_tensors, digest_tensors, last_recorded_step

DISTURBING: dict[str, object] = {
    "validate.every_steps": 1,
    "validate.patience": 1,
    "checkpoint.every_steps": 1,
    "checkpoint.keep": 1,
    "log.every": 100,
    "log.tensorboard": "true",
    "log.profile": 3,
    "optim.milestones": "1",
    "optim.schedule": "step",
}
"""What a run may do that a proof must not stumble over."""


@pytest.fixture(scope="module")
def disturbing(data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """It has ended after 3 of its 12 steps, fewer than are to be proven; and left to itself it ends early."""
    folder = tmp_path_factory.mktemp("proven") / "run"
    assert main(arguments(data, folder, **{"run.steps": 3, **DISTURBING})) == 0
    return folder


def test_the_bits_are_the_same_and_nothing_stays(
    disturbing: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    before = {each: each.stat().st_mtime_ns for each in disturbing.rglob("*")}
    seen: list[int] = []
    own = TrainingProcess.train_until_killed

    def watched(self: TrainingProcess, folder: Path, last: int) -> None:
        own(self, folder, last)
        seen.append(last_recorded_step(folder))

    monkeypatch.setattr(TrainingProcess, "train_until_killed", watched)
    text = said(capsys, "prove", disturbing, "--steps", 14)
    assert seen == [8]  # behind the checkpoint of step 7, and before the end
    told = [
        "14 steps straight through, on 1 rank …",
        "killed behind step 8 …",
        "Taken up at step 7 …",
        "The same bits in all",
    ]
    assert sorted(told, key=text.index) == told
    one, other = re.findall(r"(?:straight|taken up) (\w{32})", text)
    assert one == other
    assert {each: each.stat().st_mtime_ns for each in disturbing.rglob("*")} == before


def test_the_first_tensor_that_differs_is_named(
    run: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of copies of one run, as if one of them had come out otherwise."""

    def train(_: TrainingProcess, folder: Path) -> None:
        shutil.copytree(run / "checkpoints", folder / "checkpoints", dirs_exist_ok=True)

    def otherwise(folder: Path) -> dict[str, dict[str, torch.Tensor]]:
        files = load_tensors(folder)
        if "killed" in folder.parts:
            files["model"]["objective.classes.heads.0.weight"][0, 0] += 0.25
        return files

    monkeypatch.setattr(TrainingProcess, "train", train)
    monkeypatch.setattr(TrainingProcess, "train_until_killed", lambda *_: None)
    monkeypatch.setattr(prove, "load_tensors", otherwise)
    text = said(capsys, "prove", run, "--steps", 12, code=1)
    assert "NOT the same: 1 of " in text
    assert "tensors differ, first model/objective.classes.heads.0.weight, by 0.25 at most." in text
    assert not list(run.glob(".prove-*"))


def test_a_run_that_fails_is_told_with_its_own_words(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = said(capsys, "prove", run, "--data.path", "nowhere", code=1)
    assert "The run ended with exit code 2, so there is nothing to compare. It said: nowhere: there is no such" in text
    assert not list(run.glob(".prove-*"))


def test_a_run_that_ends_before_it_is_killed_proves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(TrainingProcess, "_run", lambda *_: (0, "All its steps are done."))
    with pytest.raises(
        TrialFailedError, match="to be killed behind step 4, and it ended by itself behind 0, with exit code 0"
    ):
        TrainingProcess(1, []).train_until_killed(tmp_path, 4)


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_stopped_it_leaves_neither_folder_nor_process(run: Path, tmp_path: Path, number: int, code: int) -> None:
    mine = shutil.copytree(run, tmp_path / "run")
    command = [sys.executable, "-m", "trainer", "prove", str(mine), "--steps", "100000"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, cwd=ROOT, text=True) as process:
        while not list(mine.glob(".prove-*/straight/metrics.jsonl")) and process.poll() is None:
            time.sleep(0.05)
        children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
        process.send_signal(number)
        _, text = process.communicate(timeout=60)
    assert process.returncode == code
    assert "Traceback" not in text
    assert children
    assert [each for each in children if Path(f"/proc/{each}").exists()] == []
    assert not list(mine.glob(".prove-*"))


NAN = float("nan")


def tensors() -> dict[str, torch.Tensor]:
    return {
        "a": torch.arange(6.0).view(2, 3),
        "b": torch.tensor([0.5, NAN], dtype=torch.bfloat16),
        "c": torch.tensor(3),
        "d": torch.zeros(0),
    }


def test_the_same_is_the_same() -> None:
    assert not compare_tensors(tensors(), tensors())
    assert digest_tensors(tensors()) == digest_tensors(dict(reversed(tensors().items())))


@pytest.mark.parametrize(
    ("name", "other", "says"),
    [
        ("a", torch.tensor([[0.0, 1, 2], [3, 4.5, 5]]), "1 of 4 tensors differ, first a, by 0.5 at most"),
        ("a", torch.arange(6.0).view(2, 3) * -0.0 + torch.arange(6.0).view(2, 3), ""),
        ("a", torch.tensor([[-0.0, 1, 2], [3, 4, 5]]), "1 of 4 tensors differ, first a, by 0 at most"),
        ("a", torch.arange(6.0), "first a, of shape (2, 3) and (6,)"),
        ("b", torch.tensor([0.5, 1.0], dtype=torch.bfloat16), "first b, by nan at most"),
        ("c", torch.tensor(4), "first c, by 1 at most"),
    ],
)
def test_the_first_difference_is_named(name: str, other: torch.Tensor, says: str) -> None:
    changed = {**tensors(), name: other}
    found = compare_tensors(tensors(), changed)
    assert says in found
    assert bool(found) == bool(says)
    assert (digest_tensors(tensors()) == digest_tensors(changed)) == (not says)


def test_what_only_one_has_is_named() -> None:
    assert compare_tensors(tensors(), {**tensors(), "e": torch.zeros(1)}) == "only one of them has e"
