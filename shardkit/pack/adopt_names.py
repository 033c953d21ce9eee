"""The tars that a user names for adoption: which files they are, and which split each belongs to."""

import re
import stat
from collections.abc import Iterable, Iterator
from pathlib import Path

from shardkit.errors import UsageError
from shardkit.format.manifest import NAME
from shardkit.format.refusal import explained

ENDING = ".tar"

_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:")
_RANGE = re.compile(r"\{(\d{1,9})\.\.(\d{1,9})\}")
_MOST = 1_000_000
_NUMBERED = re.compile(r"(.+)-\d+")


def names_in(folder: Path, tars: Iterable[str]) -> tuple[str, ...]:
    """The names of the tars, each of which must lie in the folder: adopting copies nothing."""
    home = folder.resolve()
    names: dict[str, None] = {}
    for path in (Path(each) for tar in tars for each in spelt_out(tar)):
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
    braces = _RANGE.search(tar)
    if braces is None:
        yield tar
        return
    first, last = int(braces[1]), int(braces[2])
    if last - first >= _MOST:
        raise UsageError(f"{tar!a}: {last - first + 1:,} tars are too many at once, at most {_MOST:,} are taken.")
    for number in range(first, last + 1):
        yield from spelt_out(f"{tar[: braces.start()]}{number:0{len(braces[1])}}{tar[braces.end() :]}")


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
