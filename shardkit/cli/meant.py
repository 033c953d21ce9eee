"""Which word was probably meant, to end a message with."""

from collections.abc import Iterable


def meant(word: str, words: Iterable[str]) -> str:
    from difflib import get_close_matches  # noqa: PLC0415 - only a mistake needs it

    near = get_close_matches(word, list(words), 1)
    return f" Did you mean {near[0]}?" if near else ""
