"""What kinds of values a setting can have: how TOML's values become them, and how they are called in a message."""

from collections.abc import Callable
from typing import Any, Literal, get_args, get_origin

Kind = Any
"""A type as a section writes it: bool, int, float, str, a Literal, or a tuple of those."""

_ONE = {bool: "true or false", int: "a whole number", float: "a number", str: "a text in quotes"}
_MANY = {bool: "of true and false", int: "whole numbers", float: "numbers", str: "texts in quotes"}
_COUNTS = {1: "one", 2: "two", 3: "three", 4: "four"}


class OtherKind(ValueError):
    """The value is of another kind than the setting."""


def allowed(kind: Kind) -> str:
    """What a setting of this kind can be, to stand behind "is" or "must be"."""
    if choices := choices_of(kind):
        return "one of " + ", ".join(repr(each) for each in choices)
    if not _is_tuple(kind):
        return _ONE[kind]
    inner = get_args(kind)
    if inner[-1] is Ellipsis:
        return f"a list of {_MANY[inner[0]]}"
    return f"{_COUNTS[len(inner)]} {_MANY[inner[0]]}"


def choices_of(kind: Kind) -> tuple[str, ...]:
    origin: Any = get_origin(kind)
    return get_args(kind) if origin is Literal else ()


def value_of(raw: object, kind: Kind) -> Any:  # noqa: ANN401 - of whatever kind
    """What TOML's value means for a setting of this kind. A whole number is a number, too; a text is never one."""
    if choices := choices_of(kind):
        return _only(raw, lambda each: isinstance(each, str) and each in choices)
    if _is_tuple(kind):
        return _several(raw, get_args(kind))
    if kind is float:
        return float(_only(raw, lambda each: isinstance(each, int | float) and not isinstance(each, bool)))
    return _only(raw, lambda each: type(each) is kind)


def _is_tuple(kind: Kind) -> bool:
    origin: Any = get_origin(kind)
    return origin is tuple


def _several(raw: object, inner: tuple[Kind, ...]) -> tuple[Any, ...]:
    whole = _only(raw, lambda each: isinstance(each, list))
    kinds = [inner[0]] * len(whole) if inner[-1] is Ellipsis else list(inner)
    if len(whole) != len(kinds):
        raise OtherKind
    return tuple(value_of(each, kind) for each, kind in zip(whole, kinds, strict=True))


def _only(raw: Any, fits: Callable[[Any], bool]) -> Any:  # noqa: ANN401 - of whatever kind
    if not fits(raw):
        raise OtherKind
    return raw
