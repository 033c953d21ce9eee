"""What a dataset names, its splits, subjects and keys: any text, that shells complete from the dataset."""

from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

_MOST = 500
"""Nobody reads more, and a shell asks whether to show them."""
_FEW = 3
"""So many subjects are completed with their keys at once: one alone would end with a blank."""


class Named(click.ParamType[str]):
    name = "text"

    def __init__(self, found: Callable[[Path, str], Iterable[str]]) -> None:
        self._found = found

    def shell_complete(
        self, ctx: click.Context, param: click.Parameter, incomplete: str
    ) -> "list[CompletionItem[str]]":
        """Nothing, if it is no dataset: a shell is no place for an error."""
        del param
        from click.shell_completion import CompletionItem  # noqa: PLC0415 - only a shell that completes needs it

        names: list[str] = []
        with suppress(Exception):
            names = sorted({each for each in self._found(ctx.params["dst"], incomplete) if each.startswith(incomplete)})
        return [CompletionItem(each) for each in names[:_MOST] if each.isprintable()]


def _splits(folder: Path, _incomplete: str) -> Iterable[str]:
    from shardkit.format.manifest import read_manifest  # noqa: PLC0415 - only a shell that completes needs it

    return read_manifest(folder).current.splits


def _subjects(folder: Path, _incomplete: str) -> Iterable[str]:
    from shardkit.format.opened import open_dataset  # noqa: PLC0415 - only a shell that completes needs it

    return (each.subject for each in open_dataset(folder).subjects)


def _groups(folder: Path, _incomplete: str) -> Iterable[str]:
    from shardkit.format.opened import open_dataset  # noqa: PLC0415 - only a shell that completes needs it

    return (each.group for each in open_dataset(folder).subjects)


def _keys(folder: Path, incomplete: str) -> Iterable[str]:
    """Subjects first, as there may be a million keys, and the keys of few."""
    from shardkit.format.opened import open_dataset  # noqa: PLC0415 - only a shell that completes needs it

    dataset = open_dataset(folder)
    whole = incomplete.partition("/")[0]
    begun = {each.subject for each in dataset.subjects if f"{each.subject}/".startswith(incomplete)}
    subjects = {whole} if "/" in incomplete else begun
    if len(subjects) > _FEW:
        return (f"{each}/" for each in subjects)
    views = [dataset[name] for name in dataset]
    return (
        key for view in views for name in subjects for shard in view.shards_of(name) for key in view.keys(shard, name)
    )


SPLIT, SUBJECT, GROUP, KEY = Named(_splits), Named(_subjects), Named(_groups), Named(_keys)
