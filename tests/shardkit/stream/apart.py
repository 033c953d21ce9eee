"""A function in a process of its own, which may change what a process cannot change back: limits and audit hooks."""

import multiprocessing
from collections.abc import Callable
from multiprocessing.connection import Connection
from typing import Any

PATIENCE = 60


def apart(work: Callable[..., Any], *args: Any) -> Any:  # noqa: ANN401 - the work's own
    """What it returns. It is forked from a server that has imported torch and the stream, and nothing else."""
    context = multiprocessing.get_context("forkserver")
    ours, theirs = context.Pipe(duplex=False)
    process = context.Process(target=_work, args=(theirs, work, args))
    process.start()
    theirs.close()
    try:
        assert ours.poll(PATIENCE), "it hangs"
        return ours.recv()
    except EOFError:
        raise AssertionError("it ended with an error, which stands on stderr") from None
    finally:
        process.kill()
        process.join()
        process.close()
        ours.close()


def _work(answer: Connection, work: Callable[..., Any], args: tuple[Any, ...]) -> None:
    answer.send(work(*args))
