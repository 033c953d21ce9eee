"""Lines for people. A window that was closed, or a pipe that nobody reads any more, ends no run."""

from typing import TextIO


class Console:
    def __init__(self, talk: TextIO) -> None:
        self._talk: TextIO | None = talk

    def say(self, text: str) -> None:
        if self._talk is None:
            return
        try:
            self._talk.write(f"{text}\n")
            self._talk.flush()
        except (OSError, ValueError):  # it is gone, or closed
            self._talk = None
