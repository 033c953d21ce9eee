"""`trainer evaluate`: the figures of a brute force over what `embed` writes."""

import json
import re
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import shardkit
from shardkit.cli.commands.pack import pack
from tests.trainer.cli.said import said, shown
from tests.trainer.evaluation.samples import clustered
from tests.trainer.jobs import arguments
from trainer.__main__ import main
from trainer.cli.evaluate import format_results
from trainer.evaluation.verification import verify

FAR = (0.1, 0.05)


def test_the_figures_are_those_of_a_brute_force(run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    said(capsys, "embed", run, tmp_path / "all.npz", "--dtype", "fp32")
    mated, non_mated = scores(tmp_path / "all.npz")
    found = json.loads(shown(capsys, "evaluate", run, "--json", "--validate.far", *FAR))
    assert (found["mated"], found["non_mated"]) == (len(mated), len(non_mated))
    assert found["eer"] == pytest.approx(equal_error(mated, non_mated), abs=1.5 / len(mated))
    for far in FAR:
        assert found["tar"][f"{far:g}"] == pytest.approx(accepted(mated, non_mated, far), abs=1.5 / len(mated))
    assert 0.05 < found["eer"] < 0.5  # otherwise nothing was compared
    assert found["auc"] == pytest.approx((mated[:, None] > non_mated).mean(), abs=5e-3)  # of vectors rounded


def scores(file: Path) -> tuple[np.ndarray, np.ndarray]:
    """Of mated and of non-mated pairs."""
    whole = np.load(file)
    vectors, labels = whole["embeddings"].astype(np.float64), whole["label"]
    pairs = list(combinations(range(len(labels)), 2))
    cosines = np.array([vectors[one] @ vectors[other] for one, other in pairs])
    same = np.array([labels[one] == labels[other] for one, other in pairs])
    return cosines[same], cosines[~same]


def equal_error(mated: np.ndarray, non_mated: np.ndarray) -> float:
    """Where the two rates are nearest, half-way between them."""
    rates = [((non_mated >= at).mean(), (mated < at).mean()) for at in np.concatenate([mated, non_mated])]
    return float(np.mean(min(rates, key=lambda each: abs(each[0] - each[1]))))


def accepted(mated: np.ndarray, non_mated: np.ndarray, far: float) -> float:
    """At the lowest threshold that lets no more than `far` pass."""
    return float(
        max((mated >= at).mean() for at in np.concatenate([mated, non_mated]) if (non_mated >= at).mean() <= far)
    )


def test_json_is_one_object_on_stdout(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = shown(capsys, "evaluate", run, "--json")
    assert text.count("\n") == 1
    assert {"eer", "interval", "tar", "mated", "non_mated", "step", "split"} <= json.loads(text).keys()


def test_its_figures_are_those_that_the_run_recorded(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    recorded = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    judged = [each for each in recorded if each["kind"] == "full"]
    assert judged
    for each in judged:
        found = json.loads(shown(capsys, "evaluate", run, "--json", "--step", each["step"]))
        del found["split"]
        assert found == {name: each[name] for name in found}


def test_the_page_is_for_people(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    page = shown(capsys, "evaluate", run, "--split", "train", "--step", "latest")
    first, eer, auc, *rates, power = page.splitlines()
    assert first.startswith("train at step 12: 68 samples of 17 subjects, 102 mated and 2,176 non-mated pairs")
    assert eer.startswith("EER ")
    assert "95 % within" in eer
    assert [each[:15] for each in rates][:2] == ["TAR @ FAR 0.01 ", "TAR @ FAR 0.001"]
    assert auc.startswith("ROC-AUC ")
    assert rates[-1].endswith("too few pairs: it needs 10,000,000 non-mated ones, those of 1,119 subjects like these")
    assert re.search(r"^power .* as many, \d+ % EER more or less would be chance$", power)


def test_best_is_the_one_that_validation_liked_most(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    best = json.loads((run / "checkpoints" / "best.json").read_text())["step"]
    assert json.loads(shown(capsys, "evaluate", run, "--json"))["step"] == best
    assert json.loads(shown(capsys, "evaluate", run, "--json", "--step", "2"))["step"] == 2


def test_hard_cases_are_a_page_and_a_list_that_pack_reads(
    data: Path, run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    told = said(capsys, "evaluate", run, "--split", "train", "--cases", tmp_path / "cases", "--worst", 4)
    page = (tmp_path / "cases" / "index.html").read_text()
    listed = (tmp_path / "cases" / "exclude.txt").read_text().splitlines()
    keys = [each for each in listed if each and not each.startswith("#")]

    assert f"{len(keys)} likely mislabels" in told
    assert 0 < len(keys) <= 4
    assert page.count("<img ") == 2 * 4 + 2 * 4 + len(keys)
    assert set(keys) <= set(shardkit.open(data)["train"])
    assert (score(page, "Worst mated"), score(page, "Worst non-mated")) == extremes(capsys, run, tmp_path)

    source = data.parent / "source"
    again = ["--exclude", str(tmp_path / "cases" / "exclude.txt"), "--workers", "1"]
    pack.main([str(source), str(tmp_path / "again"), *again], standalone_mode=False)
    assert sum(each.samples for each in shardkit.open(tmp_path / "again").splits.values()) == 24 * 4 - len(keys)


def score(page: str, title: str) -> str:
    """The first below a title."""
    found = re.search(f"<h2>{title}.*?<b>([-0-9.]+)</b>", page, re.DOTALL)
    assert found
    return found[1][:-2]  # vectors were rounded to 1/4000


def extremes(capsys: pytest.CaptureFixture[str], run: Path, folder: Path) -> tuple[str, str]:
    said(capsys, "embed", run, folder / "all.npz", "--dtype", "fp32", "--split", "train")
    mated, non_mated = scores(folder / "all.npz")
    return f"{mated.min():.4f}"[:-2], f"{non_mated.max():.4f}"[:-2]


def test_a_file_in_their_place_and_no_cases_are_refused_at_once(
    run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").touch()
    assert "this is a file" in said(capsys, "evaluate", run, "--cases", tmp_path / "file", code=2)
    assert "1 or more" in said(capsys, "evaluate", run, "--cases", tmp_path / "new", "--worst", "0", code=2)


def test_weights_of_before_the_training_are_warned_about(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    untrained = {"validate.first": "true", "run.steps": "1", "optim.base_lr": "1e-12"}
    assert main(arguments(data, tmp_path / "run", **untrained)) == 0
    capsys.readouterr()
    for step, warned in (("best", True), ("latest", False)):
        assert main(["evaluate", str(tmp_path / "run"), "--step", step]) == 0
        assert ("these weights are of step 0, before any training" in capsys.readouterr().err) is warned


def told(subjects: int, each: int, **options: Any) -> list[str]:  # noqa: ANN401 - as verify takes them
    samples = clustered(subjects, each, 1.5)
    found = verify(samples.embeddings, samples.labels, far=(0.1, 1e-6), **options).as_json()
    return format_results({"split": "val", "step": 1200, **found}).splitlines()


def test_twins_are_told_with_their_counts() -> None:
    labels = torch.arange(20).repeat_interleave(3)
    error, accuracy = (line for line in told(20, 3, groups=labels // 2) if line.startswith("same group"))

    assert error.endswith("among 60 mated and 90 non-mated pairs within groups, of 20 subjects")
    assert accuracy.endswith("of 150 pairs, at the threshold of all")


def test_without_twins_none_are_told() -> None:
    assert not any("group" in line for line in told(20, 3))


@pytest.mark.parametrize(("subjects", "lines"), [(20, 1), (4, 0)])
def test_a_difference_is_told_where_subjects_are_enough(subjects: int, lines: int) -> None:
    assert sum("would be chance" in line for line in told(subjects, 3)) == lines
