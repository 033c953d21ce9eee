"""`python -m trainer`, with one fault at one step: `TRAINER_FAULT="kill rank=1 step=7 once=FILE"`.

kill          SIGKILL to the rank itself        kill-agent       SIGKILL to torchrun
term          SIGTERM to the rank itself        term-agent       SIGTERM to torchrun
stall         it sleeps for ever
nan           its loss is not a number          write            SIGKILL with a checkpoint half written
term-judging  SIGTERM in the validation behind that step
"""

import contextlib
import os
import signal
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import torch

import trainer.checkpoint.writer
from trainer.__main__ import main
from trainer.data import Batch
from trainer.schedule import ValidationKind
from trainer.train_step import StepResult, TrainStep
from trainer.validator import ValidationResult, Validator


def kill(number: int, process: int) -> Callable[[], None]:
    return lambda: os.kill(process, number)


def term_agent() -> None:
    os.kill(os.getppid(), signal.SIGTERM)
    time.sleep(2)  # it is passed on meanwhile


FAULTS: dict[str, Callable[[], None]] = {
    "kill": kill(signal.SIGKILL, os.getpid()),
    "term": kill(signal.SIGTERM, os.getpid()),
    "kill-agent": kill(signal.SIGKILL, os.getppid()),
    "term-agent": term_agent,
    "stall": lambda: time.sleep(3600),
}


def install(kind: str, step: int, rank: int, once: Path | None) -> None:
    if int(os.environ.get("RANK", "0")) != rank:
        return

    def now(at: int) -> bool:
        if at != step or (once and once.exists()):
            return False
        if once:
            once.touch()
        return True

    if kind == "write":
        _half_written(now)
    elif kind == "term-judging":
        _in_judging(now)
    else:
        _in_step(kind, now)


def _in_step(kind: str, now: Callable[[int], bool]) -> None:
    own = TrainStep.__call__

    def called(self: TrainStep, row: Batch, lr: float, asked: int) -> StepResult:
        if now(self._state.progress.step):
            if kind == "nan":
                with torch.no_grad():
                    next(self._state.network.parameters()).fill_(float("nan"))
            else:
                FAULTS[kind]()
        return own(self, row, lr, asked)

    TrainStep.__call__ = called  # type: ignore[method-assign]


def _in_judging(now: Callable[[int], bool]) -> None:
    own = Validator.__call__

    def called(self: Validator, kind: ValidationKind) -> ValidationResult | None:
        if now(self.parts.state.progress.step):
            FAULTS["term"]()
        return own(self, kind)

    Validator.__call__ = called  # type: ignore[method-assign]


def _half_written(now: Callable[[int], bool]) -> None:
    own: Any = trainer.checkpoint.writer.publish  # type: ignore[attr-defined]  # what it imported

    @contextlib.contextmanager
    def publish(path: Path) -> Iterator[Any]:
        with own(path) as file:
            step = int(path.parent.name.removeprefix("step-") or -1) if path.parent.name.startswith("step-") else -1
            if now(step):
                file.write(b"half of it")
                file.flush()
                os.kill(os.getpid(), signal.SIGKILL)
            yield file

    trainer.checkpoint.writer.publish = publish  # type: ignore[attr-defined]


if __name__ == "__main__":
    kind, *words = os.environ.get("TRAINER_FAULT", "").split() or [""]
    said = dict(each.split("=") for each in words)
    if kind:
        once = Path(said["once"]) if "once" in said else None
        install(kind, int(said["step"]), int(said.get("rank", 0)), once)
    sys.exit(main(sys.argv[1:]))
