"""The class that a tar gives a sample: the number in its `.cls`, or a field of its `.json`."""

import json
import re

from shardkit.errors import BadInput
from shardkit.format.foreign import Entry, Read

LARGEST_LABEL = 2**31 - 1
_LARGEST_JSON = 4 << 20
_LARGEST_CLS = 64

_NUMBER = re.compile(r"\s*(\d{1,10})\s*", re.ASCII)


def class_of(members: dict[bytes, Entry], field: str, read: Read) -> int | str | None:
    """A number is a label, to be kept; a text names a class that has none yet."""
    if b"cls" in members:
        return _cls(_content(members[b"cls"], _LARGEST_CLS, read, "cls"))
    if b"json" in members:
        return _field(_content(members[b"json"], _LARGEST_JSON, read, "json"), field)
    return None


def _cls(content: bytes) -> int:
    number = _NUMBER.fullmatch(content.decode("latin-1"))
    if number is None:
        raise BadInput("bad-label", f"its .cls holds {content[:20]!a}, not a number of digits alone.")
    return _label(int(number[1]))


def _field(content: bytes, field: str) -> int | str | None:
    try:
        record = json.loads(content)
    except (ValueError, RecursionError):
        raise BadInput("bad-label", "its .json is no JSON.") from None
    value = record.get(field) if isinstance(record, dict) else None
    if isinstance(value, str) and value:
        number = _NUMBER.fullmatch(value)
        return _label(int(number[1])) if number else value
    if value is not None and (isinstance(value, bool) or not isinstance(value, int)):
        raise BadInput("bad-label", f"the field {field!a} of its .json is neither a number nor a text.")
    return value if value is None else _label(value)


def _label(number: int) -> int:
    if not 0 <= number <= LARGEST_LABEL:
        raise BadInput("bad-label", f"its label is {number}; labels are from 0 to {LARGEST_LABEL:,}.")
    return number


def _content(entry: Entry, largest: int, read: Read, ending: str) -> bytes:
    if entry.size > largest:
        raise BadInput("bad-label", f"its .{ending} has {entry.size:,} bytes; at most {largest:,} are read.")
    return read(entry.offset, entry.size)
