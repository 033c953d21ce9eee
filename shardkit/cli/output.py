"""Answers that are no JSON: bytes on stdout, for a pipe or a file."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager

from shardkit.cli.console import forget


def put(content: bytes) -> None:
    sys.stdout.buffer.write(content)


@contextmanager
def while_read() -> Iterator[None]:
    """Answer as long as somebody reads: `| head` that has enough is no error."""
    try:
        yield
        sys.stdout.flush()
    except BrokenPipeError:
        forget(sys.stdout)
