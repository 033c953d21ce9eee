"""Names in keys: any bytes go in, harmless text comes out, and the way back is one."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from shardkit.errors import UsageError
from shardkit.format.keys import decode_name, encode_name, key_of

names = st.binary(min_size=1, max_size=40)


@given(names)
@example(b"caf\xe9")
@example(b"100%25")
@example("\u202e\x85".encode())
def test_a_name_comes_back_from_its_key(name: bytes) -> None:
    assert decode_name(encode_name(name)) == name


@given(names)
def test_nothing_harmful_stands_in_a_key(name: bytes) -> None:
    part = encode_name(name)
    part.encode()  # it is UTF-8, whatever the name was
    assert not set(part) & set("./\\\n\r\t\x1b\x7f\0")
    assert part.isprintable() or not any(ord(sign) < 0xA0 for sign in part if not sign.isprintable())


@given(st.text(max_size=40))
def test_what_no_name_becomes_is_refused(part: str) -> None:
    try:
        name = decode_name(part)
    except UsageError:
        return
    assert encode_name(name) == part


@pytest.mark.parametrize("part", ["a.b", "a/b", "50%", "%2e", "%41", "new\nline", "%zz"])
def test_a_part_that_is_written_in_another_way_is_refused(part: str) -> None:
    with pytest.raises(UsageError, match="no part of a key"):
        decode_name(part)


@pytest.mark.parametrize(
    ("name", "part"),
    [
        (b"000123", "000123"),
        (b"two words ", "two words "),
        ("é".encode(), "é"),
        ("e\u0301".encode(), "e\u0301"),
        (b"\xe9", "%E9"),
        (b"a.b%", "a%2Eb%25"),
        (b"a\\b\n", "a%5Cb%0A"),
        ("\x85".encode(), "%C2%85"),
    ],
)
def test_what_is_written_how(name: bytes, part: str) -> None:
    """Datasets on disks depend on it: this may never change."""
    assert encode_name(name) == part


@given(st.tuples(names, names), st.tuples(names, names))
def test_two_samples_never_share_a_key(one: tuple[bytes, bytes], other: tuple[bytes, bytes]) -> None:
    keys = {key_of(*map(encode_name, names)) for names in (one, other)}
    assert len(keys) == len({one, other})
