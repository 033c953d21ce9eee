"""Which checkpoints stay: the newest few and the best one, by their numbers."""

from collections.abc import Iterable
from contextlib import suppress
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
    staying = {*whole} - {*going(whole, keep, best)}
    for step in steps:
        if step not in staying:
            remove(folder_of(run, step))


def remove(folder: Path) -> None:
    """The state goes first: a folder that is half gone is no checkpoint.

    So what cannot go now harms nobody, and is tried again behind the next save: a file that somebody still reads over
    a network, or what a user laid there.
    """
    (folder / STATE).unlink(missing_ok=True)
    with suppress(OSError):
        for each in folder.iterdir():
            _let_go(each)
        folder.rmdir()


def _let_go(path: Path) -> None:
    with suppress(OSError):
        path.unlink()
