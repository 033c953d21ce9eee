"""JSON becomes a dataclass only if it has its shape, and no value makes anything else of it."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shardkit.format.json_values import decode_dataclass


@dataclass(frozen=True)
class Inner:
    count: int


@dataclass(frozen=True)
class Outer:
    text: str
    names: tuple[str, ...]
    inner: Mapping[str, Inner]
    any: object


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda each: st.lists(each) | st.dictionaries(st.sampled_from(["text", "names", "inner", "any", "count"]), each),
)


def test_what_has_the_shape_comes_back() -> None:
    value = {"text": "x", "names": ["a", "b"], "inner": {"x": {"count": 3}}, "any": [{"deep": None}]}

    assert decode_dataclass(value, Outer) == Outer("x", ("a", "b"), {"x": Inner(3)}, [{"deep": None}])


@given(JSON, JSON, JSON, JSON)
def test_any_value_is_of_its_shape_or_an_error(text: object, names: object, inner: object, any_: object) -> None:
    try:
        outer = decode_dataclass({"text": text, "names": names, "inner": inner, "any": any_}, Outer)
    except ValueError:
        return
    assert isinstance(outer.text, str)
    assert all(isinstance(each, str) for each in outer.names)
    assert all(type(each.count) is int and each.count >= 0 for each in outer.inner.values())
    assert asdict(outer)["any"] == any_


@pytest.mark.parametrize("count", [-1, 1 << 63, True, 1.0, "1", None, [1], {}])
def test_a_count_is_a_number_that_fits(count: object) -> None:
    with pytest.raises(ValueError, match="must be"):
        decode_dataclass({"count": count}, Inner)


@pytest.mark.parametrize("value", [{}, {"count": 1, "more": 1}, [], "count", None])
def test_its_fields_are_those_and_no_others(value: object) -> None:
    with pytest.raises(ValueError, match="is no Inner"):
        decode_dataclass(value, Inner)
