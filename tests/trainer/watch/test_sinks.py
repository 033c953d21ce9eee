"""Other libraries may be missing, fail at once, later, or at the end: the run goes on, and each is told of once."""

import sys
from collections.abc import Mapping
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from trainer.config.schema import Log
from trainer.metrics import logger
from trainer.metrics.logger import Sinks

BOTH = Log(tensorboard=True, wandb=True)
RECORD = {"kind": "step", "step": 10, "loss": 2.5}
Told = list[tuple[int, dict[str, float]]]


class Kept:
    """A sink that remembers, and fails when it is asked to."""

    def __init__(self, fails: str = "") -> None:
        self.fails, self.told, self.behind, self.closed = fails, Told(), -1, 0

    def __call__(self, _: Path, behind: int) -> "Kept":
        self._maybe("open")
        self.behind = behind
        return self

    def write(self, step: int, scalars: Mapping[str, float]) -> None:
        self._maybe("write")
        self.told.append((step, dict(scalars)))

    def close(self) -> None:
        self._maybe("close")
        self.closed += 1

    def _maybe(self, when: str) -> None:
        if self.fails == when:
            raise RuntimeError(f"cannot {when}")


@pytest.fixture
def said() -> list[str]:
    return []


def two(monkeypatch: pytest.MonkeyPatch, one: Kept, other: Kept) -> None:
    monkeypatch.setattr(logger, "SINKS", {"tensorboard": one, "wandb": other})


@pytest.mark.parametrize("fails", ["open", "write", "close"])
def test_one_that_fails_is_told_once_and_the_other_goes_on(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, said: list[str], fails: str
) -> None:
    bad, good = Kept(fails), Kept()
    two(monkeypatch, bad, good)
    found = Sinks(tmp_path, BOTH, said.append)
    found.write(RECORD)
    found.write({**RECORD, "step": 20})
    found.close()
    assert good.told == [(10, {"train/loss": 2.5}), (20, {"train/loss": 2.5})]
    assert good.closed == 1
    assert len(said) == 1
    assert f"log.tensorboard failed and is left out from now on (RuntimeError: cannot {fails})" in said[0]


def test_only_who_is_asked_for_hears_of_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, said: list[str]) -> None:
    one, other = Kept(), Kept()
    two(monkeypatch, one, other)
    found = Sinks(tmp_path, Log(tensorboard=False, wandb=True), said.append)
    found.resume(7)
    found.write(RECORD)
    found.write({"kind": "event", "name": "ended"})
    found.close()
    found.close()
    assert one.told == []
    assert (len(other.told), other.behind, other.closed) == (1, 7, 1)


def test_a_missing_one_is_told_with_what_to_do(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, said: list[str]
) -> None:
    monkeypatch.setitem(sys.modules, "wandb", None)
    found = Sinks(tmp_path, Log(tensorboard=False, wandb=True), said.append)
    found.write(RECORD)
    found.write(RECORD)
    assert len(said) == 1
    assert said[0].startswith("log.wandb is asked for and cannot be imported here")
    assert "`pip install wandb`, or set log.wandb = false" in said[0]


def test_weights_and_biases_stay_offline(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, said: list[str]) -> None:
    asked: dict[str, Any] = {}
    logged: list[dict[str, float]] = []
    run = SimpleNamespace(
        define_metric=lambda name, step_metric: asked.update(axis=(name, step_metric)),
        log=logged.append,
        finish=lambda: asked.update(finished=True),
    )
    library = ModuleType("wandb")

    def init(**options: object) -> SimpleNamespace:
        asked.update(options)
        return run

    vars(library).update(init=init, Settings=dict)
    monkeypatch.setitem(sys.modules, "wandb", library)
    found = Sinks(tmp_path / "first", Log(tensorboard=False, wandb=True), said.append)
    found.write(RECORD)
    found.close()
    assert said == []
    assert (asked["mode"], asked["dir"], asked["group"]) == ("offline", str(tmp_path / "first"), "first")
    assert asked["axis"] == ("*", "step")
    assert asked["finished"]
    assert logged == [{"step": 10, "train/loss": 2.5}]
