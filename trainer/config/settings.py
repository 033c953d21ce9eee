"""Flat view of the config: settings by full name such as `run.epochs`, their types, help, identity and suggestions.

Files, flags, checks and records use these names. Help texts are read from the source of `schema.py`, because Python
does not keep the string below a field.
"""

import ast
import inspect
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, fields, replace
from difflib import get_close_matches
from functools import cache
from itertools import pairwise
from typing import Any, Literal, get_args, get_origin, get_type_hints

from trainer.config import schema
from trainer.config.schema import Config, is_identity
from trainer.errors import Mismatch

SettingType = Any
"""A type as a section writes it: bool, int, float, str, a Literal, or a tuple of those."""

_ONE = {bool: "true or false", int: "a whole number", float: "a number", str: "a text in quotes"}

_MANY = {bool: "of true and false", int: "whole numbers", float: "numbers", str: "texts in quotes"}

_COUNTS = {1: "one", 2: "two", 3: "three", 4: "four"}


class WrongTypeError(ValueError):
    """The value is of another kind than the setting."""


def describe_type(kind: SettingType) -> str:
    """What a setting of this kind can be, to stand behind "is" or "must be"."""
    if choices := choices_of(kind):
        return "one of " + ", ".join(repr(each) for each in choices)
    if not _is_tuple(kind):
        return _ONE[kind]
    inner = get_args(kind)
    if inner[-1] is Ellipsis:
        return f"a list of {_MANY[inner[0]]}"
    return f"{_COUNTS[len(inner)]} {_MANY[inner[0]]}"


def choices_of(kind: SettingType) -> tuple[str, ...]:
    origin: Any = get_origin(kind)
    return get_args(kind) if origin is Literal else ()


def convert_value(raw: object, kind: SettingType) -> Any:  # noqa: ANN401 - of whatever kind
    """What TOML's value means for a setting of this kind. A whole number is a number, too; a text is never one."""
    if choices := choices_of(kind):
        return _only(raw, lambda each: isinstance(each, str) and each in choices)
    if _is_tuple(kind):
        return _several(raw, get_args(kind))
    if kind is float:
        return float(_only(raw, lambda each: isinstance(each, int | float) and not isinstance(each, bool)))
    return _only(raw, lambda each: type(each) is kind)


def _is_tuple(kind: SettingType) -> bool:
    origin: Any = get_origin(kind)
    return origin is tuple


def _several(raw: object, inner: tuple[SettingType, ...]) -> tuple[Any, ...]:
    whole = _only(raw, lambda each: isinstance(each, list))
    kinds = [inner[0]] * len(whole) if inner[-1] is Ellipsis else list(inner)
    if len(whole) != len(kinds):
        raise WrongTypeError
    return tuple(convert_value(each, kind) for each, kind in zip(whole, kinds, strict=True))


def _only(raw: Any, fits: Callable[[Any], bool]) -> Any:  # noqa: ANN401 - of whatever kind
    if not fits(raw):
        raise WrongTypeError
    return raw


Values = Mapping[str, Any]
"""By full name."""


@dataclass(frozen=True)
class Setting:
    section: str
    key: str
    kind: SettingType
    identity: bool

    @property
    def name(self) -> str:
        return f"{self.section}.{self.key}"


@cache
def settings() -> Mapping[str, Setting]:
    """In the order in which they are written down."""
    whole = [
        Setting(section, each.name, get_type_hints(kind)[each.name], is_identity(each))
        for section, kind in get_type_hints(Config).items()
        for each in fields(kind)
    ]
    return {each.name: each for each in whole}


def section_names() -> list[str]:
    return [each.name for each in fields(Config)]


def values_of(config: Config) -> dict[str, Any]:
    return {name: getattr(getattr(config, each.section), each.key) for name, each in settings().items()}


def with_values(config: Config, values: Values) -> Config:
    """The config with some other values."""
    sections = {
        name: replace(getattr(config, name), **_of_section(values, name))
        for name in {settings()[each].section for each in values}
    }
    return replace(config, **sections)


def _of_section(values: Values, section: str) -> dict[str, Any]:
    return {settings()[name].key: each for name, each in values.items() if settings()[name].section == section}


Identity = Mapping[str, Any]
"""Values by full name, as JSON keeps them."""

_ABSENT = "not there"


def identity_of(config: Config) -> dict[str, Any]:
    return {name: _plain(each) for name, each in values_of(config).items() if settings()[name].identity}


def find_differences(then: Identity, now: Identity) -> list[tuple[str, Any, Any]]:
    """Name, value then and value now of whatever differs. Another version of ours may know more settings, or fewer."""
    names = dict.fromkeys([*now, *then])
    pairs = [(name, _plain(then.get(name, _ABSENT)), _plain(now.get(name, _ABSENT))) for name in names]
    return [each for each in pairs if each[1] != each[2]]


def check_same_identity(then: Identity, now: Identity) -> None:
    if different := find_differences(then, now):
        told = "; ".join(f"{name} was {_text(old)} and is {_text(new)} now" for name, old, new in different)
        raise Mismatch(
            f"This run was begun with another config, which decides its weights: {told}. Give the values that it began "
            "with, or start another run with another --run.folder."
        )


def _plain(value: object) -> object:
    return [_plain(each) for each in value] if isinstance(value, tuple | list) else value


def _text(value: object) -> str:
    return _ABSENT if value is _ABSENT else repr(value)


def suggest(name: str, names: Iterable[str]) -> str:
    near = get_close_matches(name, list(names), 1)
    return f" Did you mean {near[0]}?" if near else ""


def suggest_setting(name: str, before: str = "") -> str:
    """The same key of another section comes first, then a key like it in its own, then whatever looks like it.

    `before` stands in front of the name: "--" for a flag.
    """
    section, _, key = name.rpartition(".")
    same = [each.name for each in settings().values() if each.key == key]
    own = [each.key for each in settings().values() if each.section == section]
    near = same[:1] or [f"{section}.{each}" for each in get_close_matches(key, own, 1)]
    near = near or get_close_matches(name, list(settings()), 1)
    return f" Did you mean {before}{near[0]}?" if near else ""


@cache
def field_docs() -> Mapping[str, str]:
    """By full name; a field whose name says it all has none."""
    classes = {each.name: each for each in ast.parse(inspect.getsource(schema)).body if isinstance(each, ast.ClassDef)}
    return {
        f"{section}.{key}": text
        for section, kind in get_type_hints(schema.Config).items()
        for key, text in _texts(classes[kind.__name__])
    }


def _texts(section: ast.ClassDef) -> Iterator[tuple[str, str]]:
    for field, below in pairwise(section.body):
        if (
            isinstance(field, ast.AnnAssign)
            and isinstance(field.target, ast.Name)
            and isinstance(below, ast.Expr)
            and isinstance(below.value, ast.Constant)
        ):
            yield field.target.id, " ".join(str(below.value.value).split())
