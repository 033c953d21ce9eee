"""Kill a command at its N-th file operation, run another command, then the first one again: is every sample there?

    python -m tests.faults.killed FOLDER COMMAND STRIDE OTHERS

One process imports everything once and forks a child for each step: a kill is real, and costs no start-up. COMMAND is a
name in `STATES`. STRIDE 3 takes every third operation. OTHERS is how many of the other commands follow each kill, in
turns. It prints the number of kills, and raises where a committed sample is lost or a command ends in a traceback.
"""

import json
import os
import shutil
import signal
import sys
import traceback
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any
from unittest import mock

import xxhash

from shardkit.cli import packing as outcome
from shardkit.cli.commands import (
    append,
    index,
    info,
    ls,
    merge,
    pack,
    remove,
    repair,
    unpack,
    verify,
)
from shardkit.image import codec
from shardkit.pack import session
from shardkit.pack.plan import planner
from shardkit.reader.dataset import open_dataset
from shardkit.verify import pixels
from tests import trees
from tests.commands import Ended, ran
from tests.faults.operations import Nth, watched
from tests.foreign_tars import write
from tests.pictures import png

COMMANDS = (append, index, info, ls, merge, outcome, pack, remove, repair, unpack, verify)
LIBRARIES = (codec, session, planner, pixels)

CHANGING = {"mkdir", "write", "fsync", "replace", "rename", "unlink"}
OPTIONS = ("--split", "train=0.6,val=0.4", "--shard-size", "1KB", "--workers", "1")
UNTOUCHED = 99

Samples = dict[str, str]
Arguments = tuple[object, ...]


class KilledError(BaseException):
    """Stops a command while a state is prepared; no code of ours handles it."""


@dataclass(frozen=True)
class State:
    """A folder that a command is run in, and what it may take away."""

    prepare: Callable[[Path], None]
    command: Callable[[Path], Arguments]
    removes: str | None = None
    """A subject that the command removes."""
    dataset: str = "packed"
    kept: tuple[str, ...] = ("source", "more", "other")
    """Folders in which no file may ever change."""
    others: Mapping[str, Callable[[Path], Arguments]] = field(default_factory=dict)


def tree(root: Path, first: int, subjects: int) -> None:
    files = {
        f"s{subject:02}/{impression}.png": png(seed=100 * subject + impression)
        for subject in range(first, first + subjects)
        for impression in range(2)
    }
    trees.planted(root, files)


def prepare_dataset(work: Path) -> None:
    tree(work / "source", 0, 5)
    tree(work / "more", 0, 7)
    tree(work / "other", 20, 2)
    require_success(ran("pack", work / "source", work / "packed", *OPTIONS))


def prepare_damage(work: Path) -> None:
    """Flip a byte in a shard, in its index and in a table, and mistake two shards for each other."""
    prepare_dataset(work)
    one, other, *_ = sorted((work / "packed").glob("train-*.tar"))
    first, second = one.read_bytes(), other.read_bytes()
    one.write_bytes(second)
    other.write_bytes(first)
    for path in (next((work / "packed").glob("val-*.tar")), *(work / "packed").glob("subjects*.parquet")):
        content = bytearray(path.read_bytes())
        content[len(content) // 2] ^= 1
        path.write_bytes(content)


def prepare_parts(work: Path) -> None:
    """A pack whose shards are all made, and that is not merged."""
    prepare_dataset(work)
    shutil.rmtree(work / "packed")
    with mock.patch("shardkit.pack.session.merge", side_effect=KilledError):
        try:
            ran("pack", work / "source", work / "packed", *OPTIONS)
        except KilledError:
            return
    raise AssertionError("the pack merged")


def prepare_tars(work: Path) -> None:
    for number in range(3):
        folder = work / "packed"
        folder.mkdir(exist_ok=True, parents=True)
        write(folder / f"train-{number}.tar", {f"a{number}/{i}.png": png(seed=10 * number + i) for i in range(2)})


def prepare_adopted(work: Path) -> None:
    prepare_tars(work)
    require_success(ran("index", *sorted((work / "packed").glob("*.tar")), work / "packed"))


def tars(work: Path) -> list[Path]:
    return sorted((work / "packed").glob("train-*.tar"))


OTHERS: dict[str, Callable[[Path], Arguments]] = {
    "append": lambda work: ("append", work / "more", work / "packed"),
    "append --replan": lambda work: ("append", work / "more", work / "packed", "--replan"),
    "append another source": lambda work: ("append", work / "other", work / "packed", "--replan"),
    "remove": lambda work: ("remove", work / "packed", "--subject", "s01", "--yes"),
    "repair": lambda work: ("repair", work / "packed"),
    "repair --source": lambda work: ("repair", work / "packed", "--source", work / "source"),
    "merge": lambda work: ("merge", work / "packed"),
    "verify": lambda work: ("verify", work / "packed"),
    "pack": lambda work: ("pack", work / "source", work / "packed", *OPTIONS),
    "pack --replan": lambda work: ("pack", work / "source", work / "packed", *OPTIONS, "--replan"),
    "unpack": lambda work: ("unpack", work / "packed", work / "unpacked"),
    "index": lambda work: ("index", *tars(work), work / "packed"),
    "index --replan": lambda work: ("index", *tars(work), work / "packed", "--replan"),
}
UNPACK_OTHERS: dict[str, Callable[[Path], Arguments]] = {
    "unpack a split": lambda work: ("unpack", work / "packed", work / "unpacked", "--split", "val"),
    "verify": OTHERS["verify"],
    "append": OTHERS["append"],
    "remove": OTHERS["remove"],
}
STATES = {
    "append": State(prepare_dataset, OTHERS["append"], others=OTHERS),
    "append --replan": State(prepare_dataset, OTHERS["append --replan"], others=OTHERS),
    "remove": State(
        prepare_dataset,
        lambda work: ("remove", work / "packed", "--subject", "s02", "--yes"),
        removes="s02",
        others=OTHERS,
    ),
    "repair": State(prepare_damage, OTHERS["repair --source"], others=OTHERS),
    "merge": State(prepare_parts, OTHERS["merge"], others=OTHERS),
    "index": State(prepare_tars, OTHERS["index"], others=OTHERS),
    "index --replan": State(prepare_adopted, OTHERS["index --replan"], others=OTHERS),
    "unpack": State(prepare_dataset, OTHERS["unpack"], others=UNPACK_OTHERS),
}


def main(folder: Path, name: str, stride: int, others: int) -> int:
    """Run the matrix for one command, and return the number of kills."""
    state = STATES[name]
    prepared = folder / "prepared"
    answered(lambda: state.prepare(prepared))
    committed = samples(prepared / state.dataset)
    names = list(state.others)
    for kills in count():
        number = 1 + kills * stride
        killed = copied(prepared, folder / "killed")
        code = forked(lambda: run_killed(state.command(killed), number))  # noqa: B023 - called here
        if code == UNTOUCHED:
            return kills
        require(code == -signal.SIGKILL, f"operation {number}: ended with {code}")
        for turn in range(others):
            other = names[(kills * others + turn) % len(names)]
            step = Step(state, f"{name}, killed at operation {number}, then {other}", committed)
            step.run(copied(killed, folder / "work"), state.others[other], other)
    raise AssertionError


@dataclass(frozen=True)
class Step:
    """The other command and then the first one again, in a folder where the first one was killed."""

    state: State
    what: str
    committed: Samples

    def run(self, work: Path, other: Callable[[Path], Arguments], name: str) -> None:
        print(self.what, file=sys.stderr)  # noqa: T201 - shown where it fails
        before = kept(work, self.state.kept)
        staying = self.staying(self.committed, name)
        self.require_documented(ended(other(work)), "the other command")
        self.require_there(work, staying)
        now = samples(work / self.state.dataset)  # what the other command added is committed too
        again = ended(self.state.command(work))
        self.require_documented(again, "the first command again")
        self.require_there(work, self.staying(staying | now, name))
        require(kept(work, self.state.kept) == before, f"{self.what}: a source has changed")
        if again[0] == 0:
            code, text = ended(("verify", work / self.state.dataset))
            require(code == 0, f"{self.what}: verify ends with {code}: {text}")

    def staying(self, there: Samples, other: str) -> Samples:
        gone = {self.state.removes, "s01" if other == "remove" else None}
        return {key: digest for key, digest in there.items() if key.partition("/")[0] not in gone}

    def require_there(self, work: Path, staying: Samples) -> None:
        if self.state.prepare is prepare_damage:  # before it is repaired, some samples cannot be read
            ended(("repair", work / self.state.dataset, "--source", work / "source"))
        if (work / self.state.dataset / ".shardkit/removal/manifest.json").exists():
            ended(("repair", work / self.state.dataset))  # some files are moved: a command that writes moves the rest
        there = samples(work / self.state.dataset)
        if there or self.state.prepare not in {prepare_parts, prepare_tars, prepare_adopted}:
            lost = sorted(staying.items() - there.items())
            require(not lost, f"{self.what}: {len(lost)} samples are lost, for example {lost[:1]}")

    def require_documented(self, ended: tuple[int, str], which: str) -> None:
        code, text = ended
        require(code in {0, 2, 3, 4, 5}, f"{self.what}: {which} ended with {code}: {text}")
        require("Traceback" not in text, f"{self.what}: {which}: {text}")


def require(holds: object, what: str) -> None:
    if not holds:
        raise AssertionError(what)


def require_success(ended: Ended) -> None:
    require(ended.code == 0, ended.stderr)


def run_killed(arguments: Arguments, number: int) -> int:
    operations = Nth(number, lambda: os.kill(os.getpid(), signal.SIGKILL))
    with watched(lambda name: operations(name) if name in CHANGING else None):
        ran(*arguments)
    return UNTOUCHED


def ended(arguments: Arguments) -> tuple[int, str]:
    """Run a command in a child; its exit code, and what it printed."""
    code, text = answered(lambda: [(result := ran(*arguments)).code, result.stdout + result.stderr])
    return code, text


def samples(dataset: Path) -> Samples:
    """Every sample whose bytes are those of the index, with their digest; none where no dataset can be opened."""
    return dict(answered(lambda: sorted(read_samples(dataset))))


def read_samples(dataset: Path) -> Iterator[tuple[str, str]]:
    if not (dataset / "manifest.json").exists():
        return
    opened = open_dataset(dataset)
    for shard in opened.shards:
        tar = opened.path(shard)
        content = tar.read_bytes() if tar.exists() else b""
        for sample in opened.samples(shard):
            image = content[sample.image.offset : sample.image.offset + sample.image.size]
            if xxhash.xxh3_128_digest(image) == sample.image.xxh3:
                yield sample.key, sample.image.xxh3.hex()


def kept(work: Path, folders: tuple[str, ...]) -> dict[str, dict[str, bytes]]:
    return {name: trees.files(work / name) for name in folders}


def copied(source: Path, target: Path) -> Path:
    shutil.rmtree(target, ignore_errors=True)
    # Sizes and times too: a plan knows the files of its source by them.
    return Path(shutil.copytree(source, target, symlinks=True))


def answered(act: Callable[[], object]) -> Any:  # noqa: ANN401 - what travels as JSON
    """What `act` returns in a child of its own."""
    read, write_end = os.pipe()
    child = os.fork()
    if not child:
        status = 1
        try:
            with os.fdopen(write_end, "wb") as pipe:
                pipe.write(json.dumps(act()).encode())
            status = 0
        except Exception:  # noqa: BLE001 - printed, and the parent fails
            traceback.print_exc()
        finally:
            os._exit(status)
    os.close(write_end)
    with os.fdopen(read, "rb") as pipe:
        content = pipe.read()
    require(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0, "a child failed")
    return json.loads(content)


def forked(act: Callable[[], int]) -> int:
    child = os.fork()
    if not child:
        code = 1
        try:
            code = act()
        finally:
            os._exit(code)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


if __name__ == "__main__":
    where, command, every, others = sys.argv[1:]
    print(main(Path(where), command, int(every), int(others)))  # noqa: T201 - for the test
