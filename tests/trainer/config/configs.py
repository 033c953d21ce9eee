"""Configs of any values that their kinds allow, sensible or not."""

from typing import Any, get_args, get_origin

from hypothesis import strategies as st

from trainer.config.schema import Config
from trainer.config.settings import SettingType, choices_of, settings, with_values

_ONE: dict[Any, st.SearchStrategy[Any]] = {
    bool: st.booleans(),
    int: st.integers(-(2**63), 2**63 - 1),
    float: st.floats(allow_nan=False),
    str: st.text(st.characters(codec="utf-8")),
}


def _any_of(kind: SettingType) -> st.SearchStrategy[Any]:
    if choices := choices_of(kind):
        return st.sampled_from(choices)
    origin: Any = get_origin(kind)
    if origin is not tuple:
        return _ONE[kind]
    inner = get_args(kind)
    if inner[-1] is Ellipsis:
        return st.lists(_ONE[inner[0]], max_size=4).map(tuple)
    return st.tuples(*(_ONE[each] for each in inner))


def configs() -> st.SearchStrategy[Config]:
    names = st.lists(st.sampled_from(list(settings())), unique=True, max_size=12)
    return names.flatmap(_with)


def _with(names: list[str]) -> st.SearchStrategy[Config]:
    values = st.fixed_dictionaries({name: _any_of(settings()[name].kind) for name in names})
    return values.map(lambda each: with_values(Config(), each))
