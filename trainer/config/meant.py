"""Which name was probably meant, to end a message with."""

from collections.abc import Iterable
from difflib import get_close_matches

from trainer.config.settings import settings


def meant(name: str, names: Iterable[str]) -> str:
    near = get_close_matches(name, list(names), 1)
    return f" Did you mean {near[0]}?" if near else ""


def setting_meant(name: str, before: str = "") -> str:
    """The same key of another section comes first, then a key like it in its own, then whatever looks like it.

    `before` stands in front of the name: "--" for a flag.
    """
    section, _, key = name.rpartition(".")
    same = [each.name for each in settings().values() if each.key == key]
    own = [each.key for each in settings().values() if each.section == section]
    near = same[:1] or [f"{section}.{each}" for each in get_close_matches(key, own, 1)]
    near = near or get_close_matches(name, list(settings()), 1)
    return f" Did you mean {before}{near[0]}?" if near else ""
