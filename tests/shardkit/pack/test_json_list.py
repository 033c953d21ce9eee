"""JSON that is none is told with its place, in one sentence."""

from pathlib import Path

import pytest

from shardkit.errors import UsageError
from shardkit.pack.source.lists import ListFile, abbreviate, read_json


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b'[["a", "b"],\n ["c" "d"]]', "line 2, column 7: this is no JSON .*delimiter"),
        (b"", "line 1, column 1: this is no JSON"),
        (b'["\xff"]', "byte 2: this is no text in UTF-8"),
        (b"[" * 100_000, "cannot be read as JSON"),
        (b"[" + b"1" * 10_000 + b"]", "cannot be read as JSON"),
        (b'{"a": [], "b": [], "a": ["x"]}', "'a' is there twice"),
    ],
)
def test_what_is_no_list(content: bytes, said: str, tmp_path: Path) -> None:
    path = tmp_path / "list.json"
    path.write_bytes(content)
    with pytest.raises(UsageError, match=rf"list\.json.*{said}"):
        read_json(ListFile(path))


def test_a_list_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="No such file"):
        ListFile(tmp_path / "list.json")


def test_a_mark_of_utf_8_is_taken_as_one(tmp_path: Path) -> None:
    path = tmp_path / "list.json"
    path.write_bytes(b'\xef\xbb\xbf["\xc3\xa9"]')
    assert read_json(ListFile(path)) == ["é"]


def test_what_is_long_is_shown_in_part() -> None:
    assert abbreviate("x" * 1000) == f"'{'x' * 39}…"
