"""A list that is handed in as JSON: read whole, with one sentence on what is wrong with it, and where."""

import json
from collections import Counter
from functools import partial
from typing import Any

from shardkit.errors import UsageError
from shardkit.pack.lists import ListFile

_SHOWN = 40
"""Letters of what was found instead of a name."""


def read_json(list_file: ListFile) -> Any:  # noqa: ANN401 - whatever it holds
    try:
        return json.loads(list_file.read(), object_pairs_hook=partial(_each_once, list_file))
    except json.JSONDecodeError as error:
        place = f"line {error.lineno}, column {error.colno}"
        raise UsageError(
            f"{list_file}, {place}: this is no JSON ({error.msg}). Mend it there, or write it anew."
        ) from None
    except UnicodeDecodeError as error:
        raise UsageError(
            f"{list_file}, byte {error.start}: this is no text in UTF-8. Write the file in UTF-8."
        ) from None
    except (ValueError, RecursionError) as error:
        raise UsageError(f"{list_file}: cannot be read as JSON ({error}). Write it anew.") from None


def name_in(value: object, place: str) -> bytes:
    """A name as the file system has it; of a number its digits, which are what JSON writes before a colon."""
    text = str(value) if isinstance(value, int) and not isinstance(value, bool) else value
    if not isinstance(text, str) or not text or "\0" in text:
        raise UsageError(f"{place}: {shown(value)} is no name. Write one between quotation marks.")
    try:
        return text.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        raise UsageError(f"{place}: {shown(value)} is no text. Write the name in UTF-8.") from None


def shown(value: object) -> str:
    said = ascii(value)
    return said if len(said) <= _SHOWN else f"{said[:_SHOWN]}…"


def _each_once(list_file: ListFile, pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object of which nothing is lost: JSON may say a name twice, and readers would keep the last."""
    held = dict(pairs)
    if len(held) < len(pairs):
        counts = Counter(name for name, _ in pairs)
        twice = next(name for name in held if counts[name] > 1)
        raise UsageError(f"{list_file}: {shown(twice)} is there twice. Put what belongs to it into one list.")
    return held
