"""The lists that a user hands in: how they are read, and what is said of lines that name nobody."""

from pathlib import Path

import pytest

from shardkit.errors import UsageError
from shardkit.pack.lists import read_list, strangers


def read(tmp_path: Path, content: bytes) -> dict[str, str]:
    path = tmp_path / "groups.csv"
    path.write_bytes(content)
    return read_list(path, "group")


@pytest.mark.parametrize(
    "content",
    [
        b"0001,twins\n0002,twins\n",
        b"subject,group\n0001,twins\n0002,twins",
        b"\xef\xbb\xbf0001,twins\n0002,twins\n",
        b"\xef\xbb\xbfSubject , Group\r\n0001,twins\r\n0002,twins\r\n",
        b" 0001 , twins \n\n0002,\ttwins\n",
        b'"0001", "twins"\n0002,twins\n',
    ],
)
def test_who_is_of_a_group_however_it_is_written(content: bytes, tmp_path: Path) -> None:
    assert read(tmp_path, content) == {"0001": "twins", "0002": "twins"}


def test_names_that_are_no_text_are_those_of_keys(tmp_path: Path) -> None:
    assert read(tmp_path, b"a\xff,b.c\n") == {"a%FF": "b%2Ec"}


@pytest.mark.parametrize("line", [b" ,twins", b"0001, ", b"0001", b"0001,a,b"])
def test_a_line_that_says_less_or_more(line: bytes, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="line 1: expected `subject,group`"):
        read(tmp_path, line)


def test_a_list_whose_subjects_are_all_there() -> None:
    assert strangers(Path("list"), {"a": "x"}, {"a", "b"}) == ()


def test_lines_that_name_nobody_are_counted() -> None:
    (warning,) = strangers(Path("list"), {"a": "x", "subject_b": "x", "subject_c": "y"}, {"b", "a"})
    assert warning.startswith("list: names 2 of 3 in vain: subject_b is not")
    assert "look like a" in warning


def test_a_list_that_names_nobody_else_is_refused() -> None:
    with pytest.raises(UsageError, match=r"names none of the subjects: subject_a is not .* look like a"):
        strangers(Path("list"), {"subject_a": "x"}, {"b", "a"})


def test_a_list_without_lines() -> None:
    assert strangers(Path("list"), {}, {"a"}) == ("list: it names no subject.",)
