"""Which settings decide the weights, and the refusal to go on with others than a run was begun with."""

from collections.abc import Mapping
from typing import Any

from trainer.config.sections import Config
from trainer.config.settings import settings, values_of
from trainer.errors import Mismatch

Identity = Mapping[str, Any]
"""Values by full name, as JSON keeps them."""

_ABSENT = "not there"


def identity_of(config: Config) -> dict[str, Any]:
    return {name: _plain(each) for name, each in values_of(config).items() if settings()[name].identity}


def differing(then: Identity, now: Identity) -> list[tuple[str, Any, Any]]:
    """Name, value then and value now of whatever differs. Another version of ours may know more settings, or fewer."""
    names = dict.fromkeys([*now, *then])
    pairs = [(name, _plain(then.get(name, _ABSENT)), _plain(now.get(name, _ABSENT))) for name in names]
    return [each for each in pairs if each[1] != each[2]]


def refuse_other(then: Identity, now: Identity) -> None:
    if different := differing(then, now):
        told = "; ".join(f"{name} was {_text(old)} and is {_text(new)} now" for name, old, new in different)
        raise Mismatch(
            f"This run was begun with another config, which decides its weights: {told}. Give the values that it began "
            "with, or start another run with another --run.folder."
        )


def _plain(value: object) -> object:
    return [_plain(each) for each in value] if isinstance(value, tuple | list) else value


def _text(value: object) -> str:
    return _ABSENT if value is _ABSENT else repr(value)
