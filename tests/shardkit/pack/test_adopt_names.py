"""Which tars are meant, and where they must lie."""

from pathlib import Path

import pytest

from shardkit.errors import UsageError
from shardkit.pack.adopt.receipts import split_from_name
from shardkit.pack.adopt.session import expand_braces, resolve_tars


def test_braces_stand_for_numbers_with_as_many_digits() -> None:
    assert list(expand_braces("web/train-{008..011}.tar")) == [
        f"web/train-{each}.tar" for each in ("008", "009", "010", "011")
    ]
    assert list(expand_braces("{1..2}-{0..1}.tar")) == ["1-0.tar", "1-1.tar", "2-0.tar", "2-1.tar"]
    assert list(expand_braces("plain.tar")) == ["plain.tar"]


@pytest.mark.parametrize(
    ("name", "split"),
    [
        ("train-000000.tar", "train"),
        ("val-7.tar", "val"),
        ("imagenet-val-00.tar", "imagenet-val"),
        ("00000.tar", "asked"),
        ("all.tar", "asked"),
        ("a-b.tar", "asked"),
    ],
)
def test_the_name_of_a_tar_tells_its_split(name: str, split: str) -> None:
    assert split_from_name(name, "asked") == split


def test_names_are_sorted_and_each_is_taken_once(tmp_path: Path) -> None:
    for name in ("b-1.tar", "b-0.tar"):
        (tmp_path / name).touch()

    given = [str(tmp_path / "b-1.tar"), str(tmp_path / "." / "b-{0..1}.tar")]
    assert resolve_tars(tmp_path, given) == ("b-0.tar", "b-1.tar")


@pytest.mark.parametrize(
    "url", ["pipe:curl x", "http://host/a.tar", "s3://b/a.tar", "file:a.tar", "gs://{0..1}.tar", "PIPE:rm -r x"]
)
def test_a_url_is_never_followed(url: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="Download the tars first"):
        resolve_tars(tmp_path, [url])


def test_a_tar_elsewhere_is_not_copied(tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "a.tar").touch()

    with pytest.raises(UsageError, match="Tars are adopted where they are"):
        resolve_tars(tmp_path, [str(tmp_path / "sub" / "a.tar")])


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("missing.tar", "No such file"),
        ("a.tgz", r"ends in \.tar"),
        ("two words.tar", "letters, digits"),
        (".hidden.tar", "letters, digits"),
        ("folder.tar", "is no file"),
        ("link.tar", "is a symbolic link"),
        ("t-{0..99999999}.tar", "expected at most 1,000,000 tars, got 100,000,000"),
        ("t-{0..9999}{0..9999}{0..9999}.tar", "expected at most 1,000,000 tars, got 1,000,000,000,000"),
        ("t-{9..0}.tar", r"the range 9\.\.0 holds no number. Write \{0\.\.9\}"),
        ("x*.tar", r"expected files whose names match this pattern, found none.*\n*ls "),
    ],
)
def test_what_is_no_tar_of_the_folder_is_refused(name: str, why: str, tmp_path: Path) -> None:
    (tmp_path / "folder.tar").mkdir()
    (tmp_path / "a.tgz").touch()
    (tmp_path / "link.tar").symlink_to("a.tgz")

    with pytest.raises(UsageError, match=why):
        resolve_tars(tmp_path, [str(tmp_path / name)])


def test_a_pattern_stands_for_the_files_that_match_it(tmp_path: Path) -> None:
    folder = tmp_path / "old [1]"
    folder.mkdir()
    for name in ("a-0.tar", "a-1.tar", "b-0.tar", "b-1.tar", ".hidden.tar", "a-0.json"):
        (folder / name).touch()

    assert resolve_tars(folder, [str(folder / "*.tar")]) == ("a-0.tar", "a-1.tar", "b-0.tar", "b-1.tar")
    assert resolve_tars(folder, [str(folder / "?-{0..0}.tar")]) == ("a-0.tar", "b-0.tar")
    assert resolve_tars(folder, [str(folder / "b-[01].tar"), str(folder / "b-0.tar")]) == ("b-0.tar", "b-1.tar")
