"""The class that a tar gives a sample."""

import pytest

from shardkit.errors import BadInput
from shardkit.format.foreign_tar import ForeignMember
from shardkit.pack.adopt.identity import label_of


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
