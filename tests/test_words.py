"""The word check refuses new uses of words that we no longer write, and asks for lower numbers when some are gone."""

from pathlib import Path

import pytest

import words
from words import Word

BEHIND = Word("behind", "after", 1)


def write(root: Path, content: str) -> None:
    (root / "README.md").write_text(content)


def test_our_own_words_are_counted() -> None:
    assert list(words.check(words.ROOT, words.read_words())) == []


@pytest.mark.parametrize("text", ["behind behind", "Behind it, behind", "move_behind(behind)"])
def test_a_new_use_is_refused(tmp_path: Path, text: str) -> None:
    write(tmp_path, f"\n{text}\n")

    (found,) = words.check(tmp_path, [BEHIND])

    assert "expected at most 1 uses, got 2" in found
    assert "README.md:2. Write after." in found


@pytest.mark.parametrize("text", ["behind", "behinds and behind", "BEHIND"])
def test_what_is_left_is_allowed(tmp_path: Path, text: str) -> None:
    write(tmp_path, text)

    assert list(words.check(tmp_path, [BEHIND])) == []


def test_fewer_uses_lower_the_number(tmp_path: Path) -> None:
    write(tmp_path, "after")

    (found,) = words.check(tmp_path, [BEHIND])
    assert "0 uses are left of 1" in found
    assert "left = 0" in words.update(tmp_path, [BEHIND])


def test_the_number_never_rises(tmp_path: Path) -> None:
    write(tmp_path, "behind behind behind")

    assert "left = 1" in words.update(tmp_path, [BEHIND])
