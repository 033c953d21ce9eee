"""The tars that a user names for adoption: which files they are, and which split each belongs to."""

import re
import stat
from collections.abc import Iterable, Iterator
from fnmatch import fnmatchcase
from itertools import product
from math import prod
from pathlib import Path
from shlex import quote

from shardkit.errors import UsageError
from shardkit.format.manifest import NAME
from shardkit.format.refusal import explained

ENDING = ".tar"

_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:")
_RANGE = re.compile(r"\{(\d{1,9})\.\.(\d{1,9})\}")
_PATTERN = set("*?[")
_MOST = 1_000_000
_NUMBERED = re.compile(r"(.+)-\d+")


def names_in(folder: Path, tars: Iterable[str]) -> tuple[str, ...]:
    """The names of the tars, each of which must lie in the folder: adopting copies nothing."""
    home = folder.resolve()
    names: dict[str, None] = {}
    for path in (path for tar in tars for each in spelt_out(tar) for path in _matches(each)):
        _refuse_odd(path)
        if path.parent.resolve() != home:
            raise UsageError(
                f"{path}: lies in {path.parent}, not in {folder}. Tars are adopted where they are: name their own "
                f"folder as DST, or put them into {folder}: `ln` does so without copying."
            )
        names[path.name] = None
    return tuple(sorted(names))


def spelt_out(tar: str) -> Iterator[str]:
    """`train-{000000..000009}.tar` as ten names, with as many digits."""
    if _URL.match(tar):
        raise UsageError(
            f"{tar!a}: a URL is no file, and nothing is fetched or run to get one. Download the tars first."
        )
    start, *rest = _RANGE.split(tar)
    ranges = [_numbers(tar, first, last) for first, last in zip(rest[::3], rest[1::3], strict=True)]
    count = prod(len(each) for each in ranges)
    if count > _MOST:
        raise UsageError(f"{tar!a}: expected at most {_MOST:,} tars, got {count:,}. Name fewer tars at a time.")
    for numbers in product(*ranges):
        filled = (
            f"{number:0{len(first)}}{text}" for number, first, text in zip(numbers, rest[::3], rest[2::3], strict=True)
        )
        yield start + "".join(filled)


def _numbers(tar: str, first: str, last: str) -> range:
    numbers = range(int(first), int(last) + 1)
    if not numbers:
        raise UsageError(f"{tar!a}: the range {first}..{last} holds no number. Write {{{last}..{first}}}.")
    return numbers


def _matches(tar: str) -> list[Path]:
    """The files that a pattern such as `*.tar` stands for, hidden ones aside; a name stands for itself."""
    path = Path(tar)
    if not _PATTERN & {*path.name}:
        return [path]
    with explained(path.parent):
        visible = (each for each in path.parent.iterdir() if not each.name.startswith("."))
        found = [each for each in visible if fnmatchcase(each.name, path.name)]
    if not found:
        raise UsageError(
            f"{tar!a}: expected files whose names match this pattern, found none. See which files are there: "
            f"ls {quote(str(path.parent))}"
        )
    return found


def split_of(name: str, otherwise: str) -> str:
    """`train-000000.tar` is of the split train; a name that tells none is of the one asked for."""
    numbered = _NUMBERED.fullmatch(name.removesuffix(ENDING))
    return numbered[1] if numbered else otherwise


def _refuse_odd(path: Path) -> None:
    if not NAME.fullmatch(path.name) or not path.name.endswith(ENDING):
        raise UsageError(
            f"{str(path)!a}: a tar in a dataset has a name of letters, digits, '.', '_' and '-' that ends in {ENDING}. "
            "Rename it."
        )
    with explained(path):
        mode = path.lstat().st_mode
    if stat.S_ISLNK(mode):
        raise UsageError(f"{path}: is a symbolic link, which a dataset may not hold. Make a hard link instead: `ln`.")
    if not stat.S_ISREG(mode):
        raise UsageError(f"{path}: is no file. Name the tars themselves.")
