"""Which members make up a sample."""

import pytest
import webdataset.tariterators as theirs
from hypothesis import given
from hypothesis import strategies as st

from shardkit.errors import UsageError
from shardkit.format.foreign_tar import ForeignMember
from shardkit.pack.adopt.tar_indexer import (
    MAX_MEMBERS,
    KeySet,
    SampleGroup,
    check_unique_keys,
    group_samples,
    webdataset_key,
)


def members(*names: str) -> list[ForeignMember]:
    return [ForeignMember(name.encode(), number, number, 0) for number, name in enumerate(names)]


def groups(*names: str) -> list[tuple[bytes, list[bytes]] | bytes]:
    return [
        (each.key, list(each.members)) if isinstance(each, SampleGroup) else each.name
        for each in group_samples("web.tar", members(*names))
    ]


parts = st.text("ab.", max_size=3)


@given(st.lists(parts, max_size=2).map("/".join), parts)
def test_keys_and_endings_are_those_of_webdataset(folder: str, name: str) -> None:
    path = f"{folder}/{name}" if folder else name
    key, ending = theirs.base_plus_ext(path)

    ours = webdataset_key(path.encode())

    if name.startswith("."):
        assert ours is None  # theirs takes a hidden file for a member of the folder
    else:
        assert ours == (None if key is None else key.encode())
        assert ours is None or path[len(ours) + 1 :] == ending


def test_members_of_a_key_that_stand_together_are_a_sample() -> None:
    assert groups("a.png", "a.seg.png", "a.cls", "b.png", "x/a.png") == [
        (b"a", [b"png", b"seg.png", b"cls"]),
        (b"b", [b"png"]),
        (b"x/a", [b"png"]),
    ]


def test_what_has_no_key_or_no_ending_belongs_to_no_sample() -> None:
    assert groups("._a.png", "a.png", "README", "x/.b.png") == [b"._a.png", (b"a", [b"png"]), b"README", b"x/.b.png"]


def test_a_member_twice_is_refused_at_both_places() -> None:
    with pytest.raises(UsageError, match=r"web.tar, byte 1, member 'a.png'.*at byte 0 already"):
        groups("a.png", "a.png")


def test_a_sample_without_end_is_refused() -> None:
    with pytest.raises(UsageError, match="at most 1,000 members"):
        groups(*(f"a.{number}" for number in range(MAX_MEMBERS + 1)))


def test_a_key_that_comes_again_is_refused_at_both_places() -> None:
    found = list(group_samples("web.tar", members("a.png", "c.png", "b.png", "a.json")))
    seen = KeySet()
    for each in found:
        assert isinstance(each, SampleGroup)
        seen.add(each)

    with pytest.raises(UsageError, match=r"web.tar, byte 0, member 'a': the same key comes again at byte 3"):
        check_unique_keys("web.tar", seen, found)


def test_keys_that_differ_are_fine() -> None:
    check_unique_keys("web.tar", KeySet(), [])
