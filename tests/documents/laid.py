"""What documents find in the folder that they are run in: small data of the kinds that their readers have."""

import shutil
from collections.abc import Callable
from pathlib import Path

from tests.commands import ran
from tests.tools.tool import made

FINGERS = ("--subjects", 40, "--impressions", 4, "--size", "200x160")
SPLIT = "train=0.6,val=0.2,test=0.2"


def _fingers(folder: Path) -> None:
    made("make_fingerprints", folder / "fingers", *FINGERS)


def _packed(folder: Path) -> None:
    _fingers(folder)
    groups = folder / "fingers" / "groups.csv"
    ended = ran("pack", folder / "fingers", folder / "packed", "--split", SPLIT, "--groups", groups)
    assert ended.code == 0, ended.error


def _newcomers(folder: Path) -> None:
    """The same makers' next fingers: those numbers that `fingers` has not."""
    made("make_fingerprints", folder / "newcomers", "--subjects", 44, *FINGERS[2:])


def _twins(folder: Path) -> None:
    made("make_twins", folder / "twins", "--pairs", 20, "--images", 4, "--size", 64)


def _arrays(folder: Path) -> None:
    made("make_arrays", folder / "arrays", "--samples", 2000)


def _web(folder: Path) -> None:
    """Ten tars of ours are tars of anybody's: what makes them a dataset lies beside them, and is left away."""
    _fingers(folder)
    assert ran("pack", folder / "fingers", folder / "web", "--shard-size", "150KB").code == 0
    for each in (folder / "web").iterdir():
        if each.suffix != ".tar":
            shutil.rmtree(each) if each.is_dir() else each.unlink()
    tars = sorted((folder / "web").glob("*.tar"))
    assert len(tars) >= 10
    for each in tars[10:]:
        each.unlink()


MAKERS: dict[str, Callable[[Path], None]] = {
    "fingers": _fingers,
    "newcomers": _newcomers,
    "packed": _packed,
    "twins": _twins,
    "arrays": _arrays,
    "web": _web,
}
