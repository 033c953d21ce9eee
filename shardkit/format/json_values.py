"""Conversion of JSON to dataclasses, checked against their annotations, and canonical JSON.

JSON can come from an untrusted source, and annotations do not check anything at run time. Canonical means one way to
write a value: keys sorted, no spaces, ASCII, one newline at the end.
"""

import json
from collections.abc import Mapping
from dataclasses import is_dataclass
from types import NoneType, UnionType
from typing import Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

DataclassT = TypeVar("DataclassT")

_LARGEST = (1 << 63) - 1

_DEEPEST = 16
"""How deep a value may be nested whose shape is its own affair; a deeper one would exhaust the stack."""


def decode_dataclass(value: object, kind: type[DataclassT]) -> DataclassT:
    """The value as an object of a dataclass; ValueError if a field is missing or is of another type."""
    hints = get_type_hints(kind)
    if not isinstance(value, dict) or value.keys() != hints.keys():
        raise ValueError(f"{value!r:.80} is no {kind.__name__}, or has other fields")
    return kind(**{name: decode_value(value[name], hint) for name, hint in hints.items()})


def decode_value(value: object, hint: Any) -> Any:  # noqa: ANN401 - whatever stands in an annotation
    """The value as its annotation says; ValueError if it is of another type."""
    if is_dataclass(hint):
        return decode_dataclass(value, hint)  # type: ignore[arg-type]  # never an instance
    if get_origin(hint) in (Union, UnionType):
        return _one_of(value, get_args(hint), hint)
    if get_origin(hint) is Mapping and isinstance(value, dict):
        return {name: decode_value(own, get_args(hint)[1]) for name, own in value.items()}
    if get_origin(hint) is tuple and isinstance(value, list):
        return tuple(decode_value(own, get_args(hint)[0]) for own in value)
    if hint in (object, Any) and _is_shallow(value, _DEEPEST):
        return value
    if _is_plain(value, hint):
        return value
    raise ValueError(f"{value!r:.80} must be {hint}")


def _one_of(value: object, hints: tuple[Any, ...], hint: Any) -> Any:  # noqa: ANN401 - as above
    for each in hints:
        try:
            return decode_value(value, each)
        except ValueError:
            continue
    raise ValueError(f"{value!r:.80} must be {hint}")


def _is_plain(value: object, hint: Any) -> bool:  # noqa: ANN401 - as above
    if get_origin(hint) is Literal:
        return isinstance(value, str) and value in get_args(hint)
    if hint is int:
        return type(value) is int and 0 <= value <= _LARGEST
    return hint in (str, bool, NoneType) and isinstance(value, hint)


def _is_shallow(value: object, depth: int) -> bool:
    if isinstance(value, dict | list):
        inner = value.values() if isinstance(value, dict) else value
        return depth > 0 and all(_is_shallow(each, depth - 1) for each in inner)
    return True


def canonical_json(value: object) -> bytes:
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False).encode() + b"\n"
