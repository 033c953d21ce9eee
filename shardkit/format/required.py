"""What a dataset must have: a file of it that is missing is damage, and not a mistake of whoever asks for it."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from shardkit.errors import Damaged, UsageError
from shardkit.format.advice import advised


@contextmanager
def required(folder: Path, name: str) -> Iterator[None]:
    """Read the file of this name, which belongs to the dataset in `folder`."""
    try:
        yield
    except UsageError as error:
        if not isinstance(error.__cause__, FileNotFoundError):
            raise
        raise Damaged(
            f"{folder / name}: missing. {advised('verify', folder)} says what else is damaged, and how to mend it."
        ) from error
