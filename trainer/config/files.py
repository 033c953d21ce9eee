"""Config files: from a command line to a config, and TOML in and out.

Defaults come first, then a file or a recipe, then flags. A file has the sections and keys of `schema.py`; a mistake is
reported with its line. A written file explains every setting and reads back as the same config.
"""

import json
import re
import sys
import textwrap
import tomllib
from collections.abc import Iterator, Sequence
from itertools import groupby
from pathlib import Path
from typing import Any

from trainer.config.flags import apply_flags, help_text
from trainer.config.schema import Config
from trainer.config.settings import (
    Values,
    WrongTypeError,
    choices_of,
    convert_value,
    describe_type,
    field_docs,
    section_names,
    settings,
    suggest,
    suggest_setting,
    values_of,
    with_values,
)
from trainer.errors import UsageError

_SECTION = re.compile(r"""\s*\[\s*["']?([^\]"'\s]+)["']?\s*\]""")

_KEY = re.compile(r"""\s*["']?([^=#"'\s]+?)["']?\s*=""")


def read_values(path: Path) -> Values:
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
        raise UsageError(f"{place}: there is no setting {name}.{suggest_setting(name)}")
    try:
        return convert_value(raw, settings()[name].kind)
    except WrongTypeError:
        must_be = describe_type(settings()[name].kind)
        raise UsageError(f"{place}: {name} must be {must_be}, and it is {raw!r}.") from None


def _no_section(name: str, table: object) -> str:
    if not isinstance(table, dict):
        return f"{name} stands outside of all sections.{suggest_setting(name)}"
    there = ", ".join(section_names())
    return f"there is no section [{name}].{suggest(name, section_names())} The sections are {there}."


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


RECIPES = Path(__file__).parents[1] / "recipes"

DEFAULT_PROFILE_STEPS = "20"
"""Steps that `--profile` traces."""


def load_config(arguments: Sequence[str]) -> Config:
    if {"-h", "--help"} & set(arguments):
        sys.stdout.write(help_text(recipe_names()))
        sys.exit(0)
    for word in arguments:
        _check_text(word)
    file, flags = _without_config(arguments)
    config = with_values(Config(), read_values(_find_config(file))) if file else Config()
    return apply_flags(config, _long(flags))


def recipe_names() -> list[str]:
    return sorted(each.stem for each in RECIPES.glob("*.toml"))


def _without_config(arguments: Sequence[str]) -> tuple[str, list[str]]:
    """What follows `--config`, and everything else."""
    files, others = [], []
    words = iter(arguments)
    for word in words:
        if word == "--config":
            files.append(next(words, ""))
        elif word.startswith("--config="):
            files.append(word.removeprefix("--config="))
        else:
            others.append(word)
    if len(files) > 1 or "" in files or any(each.startswith("--") for each in files):
        raise UsageError(f"--config names one file or one recipe ({', '.join(recipe_names())}).")
    return "".join(files), others


def _check_text(word: str) -> None:
    """The config is recorded as a text, which a name of other bytes has no place in."""
    try:
        word.encode()
    except UnicodeEncodeError:
        raise UsageError(f"{word!r} is no UTF-8. Rename the file or folder, or link to it by another name.") from None


def _find_config(name: str) -> Path:
    """The file of this name; else the recipe: a folder `demo` is what `make demo` leaves, and no config."""
    if Path(name).exists() and not Path(name).is_dir():
        return Path(name)
    if (recipe := name.removesuffix(".toml")) in recipe_names():
        return RECIPES / f"{recipe}.toml"
    there = ", ".join(recipe_names())
    raise UsageError(
        f"--config: there is no file {name}, and the recipes are {there}.{suggest(recipe, recipe_names())}"
    )


def _long(words: Sequence[str]) -> list[str]:
    """`--profile`, with a number or without, is short for `--log.profile`."""
    long: list[str] = []
    for word, after in zip(words, [*words[1:], "--"], strict=False):
        name, equals, value = word.partition("=")
        if name != "--profile":
            long.append(word)
        elif equals:
            long.append(f"--log.profile={value}")
        else:
            long += ["--log.profile"] if not after.startswith("--") else ["--log.profile", DEFAULT_PROFILE_STEPS]
    return long


_WIDTH = 100


def config_to_toml(config: Config) -> str:
    return to_toml(values_of(config))


def to_toml(values: Values) -> str:
    """Some settings by their full names, those of a section one behind the other."""
    sections = groupby(values, lambda name: settings()[name].section)
    return "\n".join("\n".join([f"[{section}]", *_lines(names, values)]) + "\n" for section, names in sections)


def _lines(names: Iterator[str], values: Values) -> Iterator[str]:
    for name in names:
        yield from textwrap.wrap(_comment_of(name), _WIDTH, initial_indent="# ", subsequent_indent="# ")
        yield f"{settings()[name].key} = {_written(values[name])}"


def _comment_of(name: str) -> str:
    choices = ", ".join(f'"{each}"' for each in choices_of(settings()[name].kind))
    return " ".join(each for each in (field_docs().get(name, ""), choices and f"One of {choices}.") if each)


def _written(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        # TOML's strings are JSON's, but that it wants one more control character escaped, and no halves of a pair.
        return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
    if isinstance(value, tuple):
        return f"[{', '.join(_written(each) for each in value)}]"
    return repr(value)
