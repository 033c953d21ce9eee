"""Who is on a picture, as its name and its class tell."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shardkit.errors import BadInput, UsageError
from shardkit.format.foreign_tar import ForeignMember
from shardkit.pack.adopt.identity import KeyTemplate, label_of, sample_identity


def told(members: dict[str, bytes], field: str = "label") -> int | str | None:
    content = b"".join(members.values())
    entries, position = {}, 0
    for ending, payload in members.items():
        entries[ending.encode()] = ForeignMember(b"a", 0, position, len(payload))
        position += len(payload)
    return label_of(entries, field, lambda offset, size: content[offset : offset + size])


@pytest.mark.parametrize(
    ("members", "found"),
    [
        ({"cls": b"7"}, 7),
        ({"cls": b" 007\n"}, 7),
        ({"cls": b"7", "json": b'{"label": 8}'}, 7),
        ({"json": b'{"label": 8, "caption": "a dog"}'}, 8),
        ({"json": b'{"label": "8"}'}, 8),
        ({"json": b'{"label": "dog"}'}, "dog"),
        ({"json": b'{"caption": "a dog"}'}, None),
        ({"json": b'{"label": null}'}, None),
        ({"json": b"[1, 2]"}, None),
        ({"txt": b"a dog"}, None),
    ],
)
def test_the_class_is_found(members: dict[str, bytes], found: int | str | None) -> None:
    assert told(members) == found


def test_the_field_can_be_another() -> None:
    assert told({"json": b'{"label": 1, "person": 5}'}, "person") == 5


@pytest.mark.parametrize(
    "members",
    [
        {"cls": b""},
        {"cls": b"-1"},
        {"cls": b"1.5"},
        {"cls": b"\xb2"},
        {"cls": b"9" * 10},
        {"cls": b" " * 65},
        {"json": b'{"label": 1'},
        {"json": b"\xff"},
        {"json": b"[" * 100_000},
        {"json": b'{"label": ' + b"9" * 5_000 + b"}"},
        {"json": b'{"label": true}'},
        {"json": b'{"label": 1.5}'},
        {"json": b'{"label": [1]}'},
        {"json": b'{"label": -1}'},
        {"json": b" " * (4 << 20) + b"{}"},
    ],
)
def test_a_class_that_makes_no_sense_is_no_guess(members: dict[str, bytes]) -> None:
    with pytest.raises(BadInput) as bad:
        told(members)

    assert bad.value.reason == "bad-label"


@pytest.mark.parametrize(
    ("key", "named", "found"),
    [
        (b"000123/04", None, ("000123", "04")),
        (b"./000123/04", "7", ("000123", "04")),
        (b"batch_00000/subject_000001/impression_02", None, ("000001", "02")),
        (b"subject_000001/impression_02", None, ("000001", "02")),
        (b"train/n014/n014_7", None, ("train%2Fn014", "n014_7")),
        (b"a.b/c%", None, ("a%2Eb", "c%25")),
        (b"caf\xe9/1", None, ("caf%E9", "1")),
        (b"sample0001", "7", ("7", "sample0001")),
        (b"sample0001", "a dog/cat.", ("a dog%2Fcat%2E", "sample0001")),
        (b"sample0001", "\ud800", ("%ED%A0%80", "sample0001")),
        (b"000000012", None, ("000000012", "0")),
    ],
)
def test_without_a_template_folders_tell_then_the_class(key: bytes, named: str | None, found: tuple[str, str]) -> None:
    assert sample_identity(key, None, named) == found


@pytest.mark.parametrize(
    ("template", "key", "named", "found"),
    [
        ("{subject}_{impression}", b"anna_03", None, ("anna", "03")),
        ("{_}/{subject}/{impression}", b"train/n014/7", "3", ("n014", "7")),
        ("{camera}/{subject}_{impression}", b"left/anna_b_03", None, ("anna_b", "03")),
        ("{_}/{impression}", b"batch/7", "3", ("3", "7")),
        ("{impression}", b"7", None, ("7", "0")),
        ("p.x/{subject}+{impression}", b"p.x/a+b", None, ("a", "b")),
    ],
)
def test_a_template_says_it_better(template: str, key: bytes, named: str | None, found: tuple[str, str]) -> None:
    assert sample_identity(key, KeyTemplate.parse(template), named) == found


def test_a_key_that_the_template_does_not_explain_is_left_out() -> None:
    with pytest.raises(BadInput, match="does not explain 'anna'") as bad:
        sample_identity(b"anna", KeyTemplate.parse("{subject}_{impression}"), None)

    assert bad.value.reason == "key"


@pytest.mark.parametrize(
    ("template", "why"),
    [
        ("{subject}/", r"has no \{impression\}"),
        ("{subject}{impression}", "something between two fields"),
        ("{subject}_{impression}_{impression}", "a field twice"),
        ("{subject}_{impression", "a brace"),
        ("{subject}/{impression}.png", "without an ending"),
        ("{sub ject}/{impression}", "a plain name"),
    ],
)
def test_a_template_that_makes_no_sense_is_explained(template: str, why: str) -> None:
    with pytest.raises(UsageError, match=why):
        KeyTemplate.parse(template)


TEXT = st.text("ab_", max_size=3)

FIELDS = st.sampled_from(
    ["{subject}{}{impression}", "{_}{}{impression}", "{impression}{}{camera}", "{_}{}{_}{}{impression}"]
)


@given(st.data())
def test_a_template_matches_like_a_greedy_regular_expression(data: st.DataObject) -> None:
    fields = data.draw(FIELDS)
    template = (
        data.draw(TEXT)
        + "/".join(
            part.replace("{}", "%s")
            % tuple(data.draw(st.text("ab_", min_size=1, max_size=2)) for _ in range(part.count("{}")))
            for part in data.draw(st.sampled_from([[fields], ["{_}", fields], [fields, "a"]]))
        )
        + data.draw(TEXT)
    )
    key = data.draw(st.text("ab_/", max_size=12)).encode()
    pattern = re.sub(
        r"\{(\w+)\}", lambda match: "([^/]+)" if match[1] in ("_", "camera") else f"(?P<{match[1]}>[^/]+)", template
    )
    expected = re.fullmatch(pattern.encode(), key)

    try:
        found = KeyTemplate.parse(template).match(key)
    except BadInput:
        found = None

    assert found == (expected and (expected.groupdict().get("subject"), expected["impression"]))


def test_a_long_key_takes_no_power_of_its_length() -> None:
    """With a regular expression this takes years."""
    template = KeyTemplate.parse("{_}_{a}_{b}_{c}_{d}_{e}_{subject}_{impression}x")

    with pytest.raises(BadInput, match="does not explain"):
        sample_identity(b"_" * 4_000, template, None)


def test_what_is_longer_than_a_path_is_left_out() -> None:
    with pytest.raises(BadInput, match="its key has a length of 4,096"):
        sample_identity(b"a" * 4_096, None, None)
    with pytest.raises(BadInput, match="its class has a length of 5,000"):
        sample_identity(b"a", None, "x" * 5_000)
