"""All settings by their full names, `run.epochs` for example: what files, flags, checks and records call them."""

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from functools import cache
from typing import Any, get_type_hints

from trainer.config.kinds import Kind
from trainer.config.marks import is_identity
from trainer.config.sections import Config

Values = Mapping[str, Any]
"""By full name."""


@dataclass(frozen=True)
class Setting:
    section: str
    key: str
    kind: Kind
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
