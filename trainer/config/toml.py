"""A config as a TOML file that says what every setting means, and that is read back as the same config."""

import json
import textwrap
from collections.abc import Iterator
from itertools import groupby

from trainer.config.kinds import choices_of
from trainer.config.sections import Config
from trainer.config.settings import Values, settings, values_of
from trainer.config.texts import help_of

_WIDTH = 100


def as_toml(config: Config) -> str:
    return toml_of(values_of(config))


def toml_of(values: Values) -> str:
    """Some settings by their full names, those of a section one behind the other."""
    sections = groupby(values, lambda name: settings()[name].section)
    return "\n".join("\n".join([f"[{section}]", *_lines(names, values)]) + "\n" for section, names in sections)


def _lines(names: Iterator[str], values: Values) -> Iterator[str]:
    for name in names:
        yield from textwrap.wrap(_explained(name), _WIDTH, initial_indent="# ", subsequent_indent="# ")
        yield f"{settings()[name].key} = {_written(values[name])}"


def _explained(name: str) -> str:
    choices = ", ".join(f'"{each}"' for each in choices_of(settings()[name].kind))
    return " ".join(each for each in (help_of().get(name, ""), choices and f"One of {choices}.") if each)


def _written(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        # TOML's strings are JSON's, but that it wants one more control character escaped, and no halves of a pair.
        return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
    if isinstance(value, tuple):
        return f"[{', '.join(_written(each) for each in value)}]"
    return repr(value)
