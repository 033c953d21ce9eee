"""Who else gets the figures, if asked for. They are libraries of others: what fails says so once and is left out."""

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Protocol

from trainer.config.sections import Log
from trainer.watch.entries import Record, scalars
from trainer.watch.tensorboard import TensorBoard
from trainer.watch.wandb import Wandb


class Sink(Protocol):
    def write(self, step: int, scalars: Mapping[str, float]) -> None: ...

    def close(self) -> None: ...


SINKS: Mapping[str, Callable[[Path, int], Sink]] = {"tensorboard": TensorBoard, "wandb": Wandb}
"""By the setting of [log] that asks for them, which is also the name of the package that they need."""


class Sinks:
    def __init__(self, folder: Path, log: Log, say: Callable[[str], None]) -> None:
        self._folder, self._say = folder, say
        self._asked = [name for name in SINKS if getattr(log, name)]
        self._open: dict[str, Sink] = {}
        self._behind = 0

    def resume(self, step: int) -> None:
        """Before anything is written."""
        self._behind = step

    def write(self, record: Record) -> None:
        figures = scalars(record)
        if not figures:
            return
        self._open_asked()
        for name, sink in list(self._open.items()):
            self._carefully(name, partial(sink.write, record["step"], figures))

    def close(self) -> None:
        for name, sink in list(self._open.items()):
            self._carefully(name, sink.close)
        self._open.clear()

    def _open_asked(self) -> None:
        """At the first figures: a run that ends before them waits for no import."""
        asked, self._asked = self._asked, []
        for name in asked:
            self._carefully(name, partial(self._open_one, name))

    def _open_one(self, name: str) -> None:
        self._open[name] = SINKS[name](self._folder, self._behind)

    def _carefully(self, name: str, act: Callable[[], None]) -> None:
        try:
            act()
        except ImportError as error:
            self._say(
                f"log.{name} is asked for and cannot be imported here ({error}): the run goes on without. "
                f"`pip install {name}`, or set log.{name} = false."
            )
        except Exception as error:  # noqa: BLE001 - whatever another library does, figures are no reason to stop
            self._open.pop(name, None)
            self._say(
                f"log.{name} failed and is left out from now on ({type(error).__name__}: {error}). "
                "metrics.jsonl has what it would have got."
            )
