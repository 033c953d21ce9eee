"""A folder or a name that is not there, and the names that were probably meant."""

from collections.abc import Iterable
from difflib import get_close_matches
from pathlib import Path

from shardkit.errors import UsageError


class NotThere(UsageError, KeyError):
    """A KeyError, as whatever is asked by key raises, whose text says what there is instead."""

    __str__ = UsageError.__str__  # KeyError's own puts the sentence into quotes


def meant(name: str, names: Iterable[str]) -> str:
    """A question to end an error with, or nothing if no name comes near."""
    near = [repr(each) for each in get_close_matches(name, list(names), n=3)]
    return f" Did you mean {' or '.join(near)}?" if near else ""


def check_folder(folder: Path) -> None:
    """Raise UsageError if no folder lies under the path of a dataset."""
    if folder.is_dir():
        return
    what = "this is a file, not a folder" if folder.exists() else "there is no such folder"
    raise UsageError(f"{folder}: {what}. Name the folder of a dataset.")
