"""What a hostile case is: edits of a dataset before it is sealed, and what is put into its folder afterwards."""

import os
import re
import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.support.dataset_writer import Dataset, Edits, Files, write_files
from tests.support.tar_writer import png

MTIME_NS = 1_700_000_000_000_000_000
"""Of every file that is written, so that records of it can be written before it."""

ESCAPES = "\x1b]0;owned\x07\x1b[2J\x1b[31m"
FORGED = "FORGED: no damage"
"""What a line feed in a name would put at the start of a line of its own."""
FORGES = f"x\n{FORGED}"
INT, LONG = 2**31 - 1, 2**63 - 1

TERABYTE = 1 << 40


@dataclass(frozen=True)
class Scene:
    """A folder of a run's own: the dataset in it, and what no command may touch beside it."""

    root: Path
    dataset: Dataset

    @property
    def folder(self) -> Path:
        return self.root / "dataset"

    @property
    def workspace(self) -> Path:
        return self.folder / ".shardkit"

    @property
    def victim(self) -> Path:
        return self.root / "victim"

    @property
    def source(self) -> Path:
        return self.root / "source"

    @property
    def out(self) -> Path:
        return self.root / "out"

    def lay(self) -> None:
        """Write the dataset, its source with a subject more, and the victim."""
        shutil.rmtree(self.root, ignore_errors=True)
        self.dataset.write(self.folder)
        write_files(self.source, self.dataset.sources | self.newcomers)
        write_files(self.victim, VICTIM)
        (self.root / "cwd").mkdir()
        for folder in (self.folder, self.source):
            for path in folder.rglob("*"):
                os.utime(path, ns=(MTIME_NS, MTIME_NS))

    @property
    def newcomers(self) -> Files:
        """What an append finds in the source."""
        if "images.bin" in self.dataset.sources:
            return {}
        return {f"new/{number}.png": png(100 + number) for number in range(2)}


VICTIM: Files = {
    "file": b"precious\n",
    "other.parquet": b"precious\n",
    "train-00009.parquet": b"precious\n",
    "shards.parquet": b"precious\n",
    "skipped.jsonl": b"precious\n",
    "removal/keep": b"precious\n",
    "parts/keep": b"precious\n",
    "authorized_keys": b"precious\n",
}

_OUTSIDE = re.compile(r"(?<=['\"])/\S*(?=/victim)")
_SHOWN, _LONGEST = 50, 500


def shown(value: object) -> str:
    """Return a value as a part of a case's name, which is the same on every machine."""
    return _OUTSIDE.sub("", ascii(value)[:_LONGEST])[:_SHOWN]


def put(*path: str | int, **values: object) -> Callable[[Any], None]:
    """Return an edit that sets fields of an object, which `path` leads to."""

    def edit(value: Any) -> None:  # noqa: ANN401 - what JSON or a table holds
        for step in path:
            value = value[step]
        value |= values

    return edit


def variants(values: Mapping[str, Iterable[object]], *path: str | int) -> Iterator[tuple[str, Callable[[Any], None]]]:
    """Yield a name and an edit for every value of every field."""
    for field_name, given in values.items():
        for value in given:
            yield f"{field_name} {shown(value)}", put(*path, **{field_name: value})


def drop(*path: str | int) -> Callable[[Any], None]:
    """Return an edit that takes away what `path` leads to."""

    def edit(value: Any) -> None:  # noqa: ANN401 - what JSON or a table holds
        for step in path[:-1]:
            value = value[step]
        value.pop(path[-1], None) if isinstance(value, dict) else value.pop(path[-1])

    return edit


Plant = Callable[[Scene], None]


def plant_nothing(_scene: Scene) -> None:
    pass


@dataclass(frozen=True)
class Case:
    name: str
    theme: str
    edits: Edits = field(default_factory=Edits)
    plant: Plant = plant_nothing
    verified: str = ""
    """Why `verify` may find nothing; empty where it must find something."""
    exempt: Mapping[str, str] = field(default_factory=dict)
    """Commands that are not run, with the reason."""
    key: str = ""
    """The sample that `cat` is asked for, where it is not the first."""


def link(place: str, target: str) -> Plant:
    """Put a link to something outside the dataset in a place; what is there goes."""

    def plant(scene: Scene) -> None:
        path = clear(scene.folder / place)
        path.symlink_to(target if target.startswith("/") else scene.root / target)

    return plant


def write(place: str, content: bytes) -> Plant:
    def plant(scene: Scene) -> None:
        clear(scene.folder / place).write_bytes(content)
        os.utime(scene.folder / place, ns=(MTIME_NS, MTIME_NS))

    return plant


def sparse(place: str, size: int = TERABYTE) -> Plant:
    """Put a file of a terabyte in a place, which takes no space."""

    def plant(scene: Scene) -> None:
        path = scene.folder / place
        if not path.exists():
            clear(path).touch()
        os.truncate(path, size)

    return plant


def all_of(*plants: Plant) -> Plant:
    def plant(scene: Scene) -> None:
        for each in plants:
            each(scene)

    return plant


def clear(path: Path) -> Path:
    """Make room under a name, and the folders above it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
    return path
