"""A config file: TOML with the sections and keys of `sections.py`. Whatever else stands in it is told with its line."""

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from trainer.config.kinds import OtherKind, allowed, value_of
from trainer.config.meant import meant, setting_meant
from trainer.config.settings import Values, section_names, settings
from trainer.errors import UsageError

_SECTION = re.compile(r"""\s*\[\s*["']?([^\]"'\s]+)["']?\s*\]""")
_KEY = re.compile(r"""\s*["']?([^=#"'\s]+?)["']?\s*=""")


def values_in(path: Path) -> Values:
    text = _text(path)
    try:
        tables = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise UsageError(f"{path}: this is no TOML. {error}.") from error
    return {name: each for section, table in tables.items() for name, each in _values(path, text, section, table)}


def _text(path: Path) -> str:
    try:
        return path.read_text("utf-8")
    except UnicodeDecodeError as error:
        raise UsageError(f"{path}: a config is a text in UTF-8, and this file is none.") from error
    except OSError as error:
        raise UsageError(f"{path}: it cannot be read ({error.strerror}).") from error


def _values(path: Path, text: str, section: str, table: object) -> Iterator[tuple[str, Any]]:
    place = f"{path}{_line(text, section)}"
    if section not in section_names():
        raise UsageError(f"{place}: {_no_section(section, table)}")
    if not isinstance(table, dict):
        raise UsageError(f"{place}: {section} is a section. Write [{section}], and its keys below.")
    for key, raw in table.items():
        name = f"{section}.{key}"
        yield name, _value(f"{path}{_line(text, section, key)}", name, raw)


def _value(place: str, name: str, raw: object) -> Any:  # noqa: ANN401 - of whatever kind
    if name not in settings():
        raise UsageError(f"{place}: there is no setting {name}.{setting_meant(name)}")
    try:
        return value_of(raw, settings()[name].kind)
    except OtherKind:
        must_be = allowed(settings()[name].kind)
        raise UsageError(f"{place}: {name} must be {must_be}, and it is {raw!r}.") from None


def _no_section(name: str, table: object) -> str:
    if not isinstance(table, dict):
        return f"{name} stands outside of all sections.{setting_meant(name)}"
    there = ", ".join(section_names())
    return f"there is no section [{name}].{meant(name, section_names())} The sections are {there}."


def _line(text: str, section: str, key: str = "") -> str:
    """`:12` if that is where it stands. tomllib tells no lines, and what is written in unusual ways has none here."""
    inside = ""
    for number, line in enumerate(text.splitlines(), 1):
        if header := _SECTION.match(line):
            inside = header[1]
        elif found := _KEY.match(line):
            if f"{inside}.{found[1]}".removeprefix(".") in {f"{section}.{key}", section}:
                return f":{number}"
            continue
        if header and not key and inside == section:
            return f":{number}"
    return ""
