"""What a run goes on over, and what it refuses to go on over: by name, with what to do."""

import json
import os
import shutil
import signal
from collections import namedtuple
from pathlib import Path
from typing import Any

import pytest
import torch

from shardkit.cli.commands.append import append
from tests.trainer.jobs import arguments, metrics, state, steps, tensors
from tests.trainer.patterns import packed, tree
from trainer.__main__ import main
from trainer.checkpoint.store import load_tensors
from trainer.metrics.records import CLOCK_FIELDS

HALF: dict[str, object] = {"run.steps": 6, "optim.schedule": "constant"}
WHOLE: dict[str, object] = {"run.steps": 12, "optim.schedule": "constant"}


@pytest.fixture
def begun(data: Path, tmp_path: Path) -> Path:
    """Half a run."""
    assert main(arguments(data, tmp_path / "run")) == 0
    for step in steps(tmp_path / "run"):
        if step > 6:
            shutil.rmtree(tmp_path / "run" / "checkpoints" / f"step-{step:010d}")
    return tmp_path / "run"


def test_the_end_is_the_same_whoever_looks(begun: Path, data: Path, tmp_path: Path) -> None:
    assert main(arguments(data, begun)) == 0
    assert main(arguments(data, tmp_path / "straight")) == 0
    ours, theirs = tensors(begun, 12), tensors(tmp_path / "straight", 12)
    assert all(torch.equal(ours[name], theirs[name]) for name in theirs)
    assert metrics(begun, *CLOCK_FIELDS) == metrics(tmp_path / "straight", *CLOCK_FIELDS)


def test_a_run_that_is_done_is_left_as_it_is(begun: Path, data: Path) -> None:
    main(arguments(data, begun))
    before = (begun / "checkpoints" / "latest.json").stat().st_mtime_ns
    assert main(arguments(data, begun)) == 0
    assert (begun / "checkpoints" / "latest.json").stat().st_mtime_ns == before


def test_the_untrained_are_judged_and_their_checkpoint_is_gone_on_from(data: Path, tmp_path: Path) -> None:
    """Also if the run is killed before the next checkpoint: an optimiser that has not moved yet is saved as well."""
    run = tmp_path / "run"
    assert main(arguments(data, run, **{"validate.first": "true"})) == 0
    straight, judged = tensors(run, 12), metrics(run, *CLOCK_FIELDS)
    for step in steps(run)[1:]:
        shutil.rmtree(run / "checkpoints" / f"step-{step:010d}")

    assert main(arguments(data, run, **{"validate.first": "true"})) == 0

    assert all(torch.equal(tensors(run, 12)[name], each) for name, each in straight.items())
    assert metrics(run, *CLOCK_FIELDS) == judged
    assert [each["step"] for each in judged if each["kind"] == "full"] == [0, 4, 8, 12]


def test_a_damaged_checkpoint_is_passed_over(begun: Path, data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    newest = begun / "checkpoints" / "step-0000000006" / "model.safetensors"
    content = bytearray(newest.read_bytes())
    content[-1] ^= 1
    newest.write_bytes(content)
    assert main(arguments(data, begun)) == 0
    said = " ".join(capsys.readouterr().err.split())
    assert "model.safetensors is not what was written" in said
    assert "Step 4 is used instead." in said
    assert steps(begun)[-1] == 12


@pytest.mark.parametrize(
    ("name", "value", "then"),
    [("run.seed", 1, 0), ("model.width", 0.5, 0.25), ("optim.clip", 2.0, 1.0), ("system.threads", 2, 1)],
)
def test_another_value_of_an_identity_field_is_refused_by_name(  # noqa: PLR0917 - what pytest hands in
    begun: Path, data: Path, capsys: pytest.CaptureFixture[str], name: str, value: object, then: object
) -> None:
    assert main(arguments(data, begun, **{name: value})) == 5
    said = " ".join(capsys.readouterr().err.split())
    assert name in said
    assert str(value) in said
    assert str(then) in said


def test_a_free_field_may_change(begun: Path, data: Path) -> None:
    assert main(arguments(data, begun, **{"checkpoint.keep": 2, "log.every": 3})) == 0
    assert len(steps(begun)) <= 3  # the best one among them


def test_another_dataset_is_refused(begun: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    other = packed(tmp_path / "other", subjects=23)
    assert main(arguments(other, begun)) == 5
    assert "its class map is" in " ".join(capsys.readouterr().err.split())


def test_the_same_subjects_with_other_pictures_are_refused(
    begun: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    other = packed(tmp_path / "other", impressions=3)
    assert main(arguments(other, begun)) == 5
    assert "its dataset is" in " ".join(capsys.readouterr().err.split())


def test_it_goes_on_over_an_appended_dataset_on_its_own_generation(data: Path, tmp_path: Path) -> None:
    """FAULTS 22: what was appended is for the next run; this one ends as if nothing had been."""
    mine = tmp_path / "packed"
    shutil.copytree(data, mine)
    assert main(arguments(mine, tmp_path / "run", **{"run.epochs": 3})) == 0
    for step in steps(tmp_path / "run"):
        if step > 6:
            shutil.rmtree(tmp_path / "run" / "checkpoints" / f"step-{step:010d}")
    more = tree(tmp_path / "more", 40, 4)
    append.main([str(more), str(mine)], standalone_mode=False)

    assert main(arguments(mine, tmp_path / "run")) == 0
    assert main(arguments(data, tmp_path / "straight")) == 0
    ours, theirs = tensors(tmp_path / "run", 12), tensors(tmp_path / "straight", 12)
    assert all(torch.equal(ours[name], theirs[name]) for name in theirs)
    assert state(tmp_path / "run", 12)["dataset"]["generation"] == 0


def test_no_space_for_a_checkpoint_ends_it_and_the_next_start_goes_on(
    begun: Path, data: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    usage = namedtuple("usage", "total used free")  # noqa: PYI024 - as shutil's own
    with monkeypatch.context() as patch:
        patch.setattr(shutil, "disk_usage", lambda _: usage(1, 1, 0))
        assert main(arguments(data, begun)) == 6
    assert "a checkpoint needs" in capsys.readouterr().err
    assert steps(begun)[-1] == 6
    assert main(arguments(data, begun)) == 0


def test_a_loss_that_is_no_number_names_its_samples(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(torch.nn.functional, "cross_entropy", lambda scores, *_, **__: scores.sum() * float("nan"))
    assert main(arguments(data, tmp_path / "run")) == 1
    said = " ".join(capsys.readouterr().err.split())
    assert "Step 1: the loss is not finite in micro-batches 0, 1, 2, 3. Nothing of this step was applied." in said
    assert "/0" in said.partition("Samples here:")[2]
    assert "amp.dtype = bf16 or off; half of optim.base_lr" in said


def test_patience_goes_on_over_a_resume(data: Path, tmp_path: Path) -> None:
    """Mistake 4 of the guides, through a whole run: the second start has nothing left to wait for."""
    impatient: dict[str, object] = {"validate.patience": 1, "validate.every_steps": 1, "run.epochs": 20}
    assert main(arguments(data, tmp_path / "run", **impatient)) == 0
    last = steps(tmp_path / "run")[-1]
    assert last < 80
    assert state(tmp_path / "run", last)["progress"]["stale"] == 1
    assert main(arguments(data, tmp_path / "run", **impatient)) == 0
    assert steps(tmp_path / "run")[-1] == last


def test_the_test_split_is_judged_once_with_the_best_weights(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = packed(tmp_path / "three", split="train=0.5,val=0.25,test=0.25")
    words = arguments(folder, tmp_path / "run", **{"data.test": "test"})
    assert main(words) == 0
    first = (tmp_path / "run" / "test.json").read_text()
    assert json.loads(first)["step"] == json.loads((tmp_path / "run/checkpoints/best.json").read_text())["step"]
    monkeypatch.setattr("trainer.validator.Validator", None)  # it would be called now
    assert main(words) == 0
    assert (tmp_path / "run" / "test.json").read_text() == first


def test_a_subset_is_made_sure_of_before_it_counts(data: Path, tmp_path: Path) -> None:
    assert main(arguments(data, tmp_path / "run", **{"validate.subset": 16})) == 0
    kinds = [(each["step"], each["kind"]) for each in metrics(tmp_path / "run") if "eer" in each]
    assert (4, "subset") in kinds
    assert (4, "full") in kinds  # the first subset is the best so far
    assert kinds[-1] == (12, "full")
    best = state(tmp_path / "run", 12)["progress"]["best"]
    assert set(best) == {"subset", "full"}


def test_weights_of_another_run_are_a_start(
    data: Path, begun: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = begun / "checkpoints" / "step-0000000006" / "model.safetensors"
    options = {"model.init": file, "run.steps": 1, "model.embedding": 8}
    assert main(arguments(data, tmp_path / "next", **options)) == 0
    said = " ".join(capsys.readouterr().err.split())
    assert "tensors of the backbone were read" in said
    assert "do not match and keep their first values: backbone.embed.bias, backbone.embed.weight." in said


def test_a_step_is_saved_before_its_validation_can_fail(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr("trainer.validator.verify_split", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            main(arguments(data, tmp_path / "run"))
    assert steps(tmp_path / "run")[-1] == 4
    assert main(arguments(data, tmp_path / "run")) == 0
    assert main(arguments(data, tmp_path / "straight")) == 0
    assert state(tmp_path / "run", 12)["progress"] == state(tmp_path / "straight", 12)["progress"]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"data.val": "vla"}, "Did you mean 'val'? Name one with data.val"),
        ({"data.test": "test"}, 'Name one with data.test, or data.test = "" for none.'),
        ({"validate.subset": 7}, "validate.subset is 7, and val has 7 subjects"),
        ({"model.init": __file__}, "is no sound safetensors file"),
    ],
)
def test_what_would_fail_later_is_told_before_the_first_step(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], options: dict[str, object], said: str
) -> None:
    assert main(arguments(data, tmp_path / "run", **options)) == 2
    told = " ".join(capsys.readouterr().err.split())
    assert said in told
    assert "step 1/12" not in " ".join(told.split())


def test_asked_to_stop_while_the_test_split_is_judged(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = packed(tmp_path / "three", split="train=0.5,val=0.25,test=0.25")
    words = arguments(folder, tmp_path / "run", **{"data.test": "test"})
    with monkeypatch.context() as patch:
        patch.setattr("trainer.validator.load_tensors", _terminated)
        assert main(words) == 143
    assert not (tmp_path / "run" / "test.json").exists()
    assert main(words) == 0
    assert (tmp_path / "run" / "test.json").exists()


def _terminated(folder: Path, *wanted: Any) -> object:  # noqa: ANN401 - as it is called
    os.kill(os.getpid(), signal.SIGTERM)
    return load_tensors(folder, *wanted)


def test_a_generation_that_is_not_there_is_another_dataset(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    mine = tmp_path / "packed"
    shutil.copytree(data, mine)
    append.main([str(tree(tmp_path / "more", 30, 4)), str(mine)], standalone_mode=False)
    assert main(arguments(mine, tmp_path / "other")) == 0  # on generation 1
    assert main(arguments(data, tmp_path / "other")) == 5
    assert "the run began with generation 1, and this dataset has 0" in " ".join(capsys.readouterr().err.split())
    assert main(["evaluate", str(tmp_path / "other"), "--data.path", str(data)]) == 0  # of another one, the newest


@pytest.mark.parametrize(("traced", "said"), [(1, "A trace of 1 steps"), (50, "A trace of 2 steps")])
def test_a_trace_is_kept_however_short_the_run(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], traced: int, said: str
) -> None:
    assert main(arguments(data, tmp_path / "run", **{"log.profile": traced})) == 0
    assert said in capsys.readouterr().err
    assert json.loads((tmp_path / "run" / "trace.json").read_text())["traceEvents"]
