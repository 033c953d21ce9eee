"""The lists that a user hands in: how they are read, and what is said of lines that name nobody."""

from pathlib import Path

import pytest
from blake3 import blake3

from shardkit.errors import UsageError
from shardkit.pack.source.lists import ListFile, read_list, warn_unknown_subjects


def read(tmp_path: Path, content: bytes) -> dict[str, str]:
    path = tmp_path / "groups.csv"
    path.write_bytes(content)
    return read_list(ListFile(path), "group")


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


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b'0001,twins\n0002,"twins\n0003,others\n', "line 2: not valid CSV .*quotation mark"),
        (b'0001,twins\n0002,"' + b"x" * 200_000, "line 2: not valid CSV"),
        (b'0001,"a"b\n', "line 1: not valid CSV"),
        (b'"a\nb",twins\n0002\n', "line 3: expected `subject,group`, found '0002'"),
        (b"0001,twins\n\n" + b"x" * 1000, "line 3: expected `subject,group`, found 'x{80}'"),
    ],
)
def test_the_line_of_a_mistake_is_named(content: bytes, said: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=said):
        read(tmp_path, content)


def test_a_cell_may_hold_a_line_end(tmp_path: Path) -> None:
    assert read(tmp_path, b'"a\nb",twins\r\nc,"x"\r\n') == {"a%0Ab": "twins", "c": "x"}


@pytest.mark.parametrize("in_memory", [1 << 20, 10])
def test_a_list_is_read_once(in_memory: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shardkit.pack.source.lists._IN_MEMORY", in_memory)
    path = tmp_path / "groups.csv"
    path.write_bytes(content := b"0001,twins\n0002,twins\n")
    list_file = ListFile(path)
    path.write_bytes(b"0001,others\n")

    assert (list_file.read(), list_file.digest) == (content, blake3(content).hexdigest())
    assert b"".join(list_file.blocks(5)) == content
    assert read_list(list_file, "group") == {"0001": "twins", "0002": "twins"}


@pytest.fixture
def groups(tmp_path: Path) -> ListFile:
    (tmp_path / "list").touch()
    return ListFile(tmp_path / "list")


def test_a_list_whose_subjects_are_all_there(groups: ListFile) -> None:
    assert warn_unknown_subjects(groups, {"a": "x"}, {"a", "b"}) == ()


def test_lines_that_name_nobody_are_counted(groups: ListFile) -> None:
    (warning,) = warn_unknown_subjects(groups, {"a": "x", "subject_b": "x", "subject_c": "y"}, {"b", "a"})
    assert warning.startswith(f"{groups}: names 2 of 3 in vain: subject_b is not")
    assert "look like a" in warning


def test_a_list_that_names_nobody_else_is_refused(groups: ListFile) -> None:
    with pytest.raises(UsageError, match=r"names none of the subjects: subject_a is not .* look like a"):
        warn_unknown_subjects(groups, {"subject_a": "x"}, {"b", "a"})


def test_a_list_without_lines(groups: ListFile) -> None:
    assert warn_unknown_subjects(groups, {}, {"a"}) == (f"{groups}: it names no subject.",)
