"""`trainer evaluate`: the figures of a brute force over what `embed` writes."""

import json
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest

from tests.trainer.commands.said import said, shown

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
    first, eer, *rates = page.splitlines()
    assert first.startswith("train at step 12: 68 samples of 17 subjects, 102 mated and 2,176 non-mated pairs")
    assert eer.startswith("EER ")
    assert "95 % within" in eer
    assert [each[:15] for each in rates][:2] == ["TAR @ FAR 0.01 ", "TAR @ FAR 0.001"]
    assert rates[-1].endswith("too few pairs")


def test_best_is_the_one_that_validation_liked_most(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    best = json.loads((run / "checkpoints" / "best.json").read_text())["step"]
    assert json.loads(shown(capsys, "evaluate", run, "--json"))["step"] == best
    assert json.loads(shown(capsys, "evaluate", run, "--json", "--step", "2"))["step"] == 2
