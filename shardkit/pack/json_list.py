"""A list that is handed in as JSON: read whole, with one sentence on what is wrong with it, and where."""

import json
from functools import partial
from pathlib import Path
from typing import Any

from shardkit.errors import UsageError
from shardkit.format.refusal import explained

_SHOWN = 40
"""Letters of what was found instead of a name."""


def is_json(path: Path) -> bool:
    return path.suffix.lower() == ".json"


def read_json(path: Path) -> Any:  # noqa: ANN401 - whatever it holds
    with explained(path):
        content = path.read_bytes()
    try:
        return json.loads(content, object_pairs_hook=partial(_each_once, path))
    except json.JSONDecodeError as error:
        place = f"line {error.lineno}, column {error.colno}"
        raise UsageError(f"{path}, {place}: this is no JSON ({error.msg}). Mend it there, or write it anew.") from None
    except UnicodeDecodeError as error:
        raise UsageError(f"{path}, byte {error.start}: this is no text in UTF-8. Write the file in UTF-8.") from None
    except (ValueError, RecursionError) as error:
        raise UsageError(f"{path}: cannot be read as JSON ({error}). Write it anew.") from None


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


def _each_once(path: Path, pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object of which nothing is lost: JSON may say a name twice, and readers would keep the last."""
    held = dict(pairs)
    if len(held) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in held if names.count(name) > 1)
        raise UsageError(f"{path}: {shown(twice)} is there twice. Put what belongs to it into one list.")
    return held
