"""Every recipe that is shipped trains: through the real stream, at a size that takes a second or two."""

import json
import signal
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import torch

from shardkit.cli.commands.pack import pack
from tests.trainer.jobs import metrics, steps, tensors
from tests.trainer.patterns import tree
from trainer.__main__ import main
from trainer.config.files import load_config, recipe_names
from trainer.train_step import TrainStep

SUBJECTS, IMPRESSIONS = 32, 4
CLASSES, SAMPLES = 4, 160

SMALL: dict[str, object] = {
    "run.epochs": 2,
    "run.steps": 2,
    "data.global_batch": 8,
    "data.micro_batch": 4,
    "data.test": "",
    "optim.warmup": 0.5,
    "amp.dtype": "off",
    "system.threads": 1,
    "system.compile": "false",
    "system.channels_last": "false",
    "validate.subset": 0,
    "log.every": 1,
    "log.tensorboard": "false",
    "model.width": 0.125,
    "model.embedding": 16,
}
PRINTS = {"data.size": 75}
FACES = {"data.size": 32, "model.patch": 8, "model.blocks": "2 1 2"}


@pytest.fixture(scope="module")
def prints(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One of three has its minutiae beside it."""
    room = tmp_path_factory.mktemp("prints")
    for number, image in enumerate(sorted(tree(room / "tree", SUBJECTS, IMPRESSIONS).rglob("*.png"))):
        if number % 3 == 0:
            image.with_suffix(".mnt").write_text("print\n2 32 32\n10 12 1.5\n20 8 3.0\n")
    return packed(room, room / "tree", "--split", "train=0.75,val=0.25")


@pytest.fixture(scope="module")
def faces(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """In colour, and every two subjects are twins, as the guides' files say."""
    room = tmp_path_factory.mktemp("faces")
    for image in tree(room / "tree", SUBJECTS, IMPRESSIONS).rglob("*.png"):
        grey = cv2.imread(str(image), cv2.IMREAD_GRAYSCALE)
        assert grey is not None
        cv2.imwrite(str(image), cv2.applyColorMap(grey, cv2.COLORMAP_JET))
    ids = [f"{subject:03d}" for subject in range(SUBJECTS)]
    twins = room / "twin_pairs_infor.json"
    twins.write_text(json.dumps(list(zip(ids[::2], ids[1::2], strict=True))))
    return packed(room, room / "tree", "--groups", str(twins), "--split", "train=0.75,val=0.25")


@pytest.fixture(scope="module")
def arrays(tmp_path_factory: pytest.TempPathFactory) -> Path:
    room, rng = tmp_path_factory.mktemp("arrays"), np.random.default_rng(0)
    (room / "arrays").mkdir()
    np.save(room / "arrays" / "images.npy", rng.normal(size=(SAMPLES, 3, 32, 32)).astype(np.float32))
    np.save(room / "arrays" / "labels.npy", rng.permutation(SAMPLES).astype(np.int32) % CLASSES)
    return packed(room, room / "arrays", "--from-arrays", "--split", "train=0.75,val=0.25")


def packed(room: Path, source: Path, *options: str) -> Path:
    pack.main([str(source), str(room / "packed"), *options, "--workers", "1"], standalone_mode=False)
    return room / "packed"


def words(recipe: str, data: Path, folder: Path, **own: object) -> list[str]:
    flags = {**SMALL, **own, "data.path": data, "run.folder": folder}
    return [
        "--config",
        recipe,
        *(word for name, value in flags.items() for word in (f"--{name}", *str(value).split(" "))),
    ]


def trained(recipe: str, data: Path, folder: Path, **own: object) -> dict[str, float]:
    """The terms of its loss at the last step."""
    assert main(words(recipe, data, folder, **own)) == 0
    told = metrics(folder)
    assert [each["step"] for each in told if each["kind"] == "step"] == [1, 2]
    assert told[-1]["kind"] == "full"
    terms: dict[str, float] = next(each["terms"] for each in reversed(told) if each["kind"] == "step")
    return terms


@pytest.mark.parametrize("recipe", ["fingerprints-500k", "fingerprints-1m", "fingerprints-1.5m"])
def test_fingerprints(recipe: str, prints: Path, tmp_path: Path) -> None:
    assert list(trained(recipe, prints, tmp_path, **PRINTS)) == ["classes", "center", "minutiae_map"]


def test_prints_without_minutiae_are_told(data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(words("fingerprints-500k", data, tmp_path, **PRINTS)) == 2
    assert "no sample of train has any" in capsys.readouterr().err


def test_stopped_and_taken_up_prints_end_with_the_same_bits(
    prints: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two heads with classes in blocks, negatives, centres and a map of minutiae."""
    straight, stopped = (
        words("fingerprints-1.5m", prints, tmp_path / name, **PRINTS, **{"run.steps": 3}) for name in ("one", "other")
    )
    assert main(straight) == 0
    own: Any = TrainStep.__call__

    def asked_to_stop(self: TrainStep, *given: Any) -> Any:  # noqa: ANN401 - as it was called
        signal.raise_signal(signal.SIGTERM)
        return own(self, *given)

    with monkeypatch.context() as patched:
        patched.setattr(TrainStep, "__call__", asked_to_stop)
        assert main(stopped) == 143
    assert steps(tmp_path / "other") == [2]
    assert main(stopped) == 0
    ours, theirs = (tensors(tmp_path / name, 3) for name in ("other", "one"))
    assert len(theirs) > 500
    assert [name for name in theirs if not torch.equal(ours[name], theirs[name])] == []


@pytest.mark.parametrize("recipe", ["twins-fast", "twins-minimal", "twins-data-optimised", "twins-2080ti"])
def test_twins(recipe: str, faces: Path, tmp_path: Path) -> None:
    terms = trained(recipe, faces, tmp_path, **FACES)
    assert list(terms) == ["classes", *(["triplet"] if recipe != "twins-minimal" else []), "pairs"]


def test_arrays_are_named(arrays: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert list(trained("arrays", arrays, tmp_path)) == ["classes"]
    last = metrics(tmp_path)[-1]
    assert last["samples"] == round(SAMPLES * 0.25)
    assert last["error"] == 1 - last["right"] / last["samples"]
    assert main(["evaluate", str(tmp_path), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["right"], told["samples"]) == (last["right"], last["samples"])
    assert main(["evaluate", str(tmp_path)]) == 0
    assert f"{last['right']} of {last['samples']} samples are given their own class" in capsys.readouterr().out


@pytest.mark.parametrize("recipe", ["demo", "fingerprints-small"])
def test_the_small_net(recipe: str, prints: Path, tmp_path: Path) -> None:
    assert list(trained(recipe, prints, tmp_path, **{"augment.crop": "16 16", "model.width": 0.25})) == ["classes"]


def test_none_is_left_out() -> None:
    assert set(recipe_names()) == {
        *("fingerprints-500k", "fingerprints-1m", "fingerprints-1.5m"),
        *("twins-fast", "twins-minimal", "twins-data-optimised", "twins-2080ti"),
        *("arrays", "demo", "fingerprints-small"),
    }


@pytest.mark.parametrize("recipe", recipe_names())
def test_each_writes_into_a_folder_of_its_own(recipe: str) -> None:
    assert load_config(["--config", recipe]).run.folder == f"{recipe}-run"
