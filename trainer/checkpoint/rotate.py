"""Which checkpoints stay: the newest few and the best one, by their numbers."""

from collections.abc import Iterable
from pathlib import Path

from trainer.checkpoint.layout import STATE, folder_of, steps_in


def going(steps: Iterable[int], keep: int, best: int | None) -> list[int]:
    """Of these, the ones to delete; oldest first."""
    ordered = sorted(steps)
    return [step for step in ordered[: max(0, len(ordered) - keep)] if step != best]


def rotate(run: Path, newest: int, keep: int, best: int | None) -> None:
    """Behind a checkpoint that is durable. Steps beyond it are of a run that was taken up before them; they stay, since
    they will be written again, and what is damaged among them is replaced then.
    """
    steps = [step for step in steps_in(run) if step <= newest]
    whole = [step for step in steps if (folder_of(run, step) / STATE).exists()]
    for step in [*going(whole, keep, best), *(set(steps) - set(whole))]:
        remove(folder_of(run, step))


def remove(folder: Path) -> None:
    """The state goes first: a folder that is half gone is no checkpoint."""
    (folder / STATE).unlink(missing_ok=True)
    for each in folder.iterdir():
        each.unlink()
    folder.rmdir()
