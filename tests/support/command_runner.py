"""Every command on a hostile dataset: how it may end, what it may say, and what it must leave alone."""

import json
import os
import re
import stat
import subprocess
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.support.dataset_writer import Dataset, Edits, build
from tests.support.fork_server import Outcome, Request
from tests.support.hostile_case import FORGED, Case, Scene

ROOT = Path(__file__).parents[2]

ENDS = frozenset({0, 2, 3, 4, 5, 6, 7, 8})
"""The exit codes of docs/exit-codes.md that a dataset may lead to: neither an error of ours nor a signal."""

Status = tuple[int, ...]
Snapshot = Mapping[str, tuple[Status, bytes]]

_CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")
_DONE = frozenset({0, 3})

_LARGEST_READ = 1 << 20
_LINE = 200
_IDLE_SECONDS = 8.0


@dataclass(frozen=True)
class Command:
    """`{dst}`, `{src}`, `{out}`, `{key}`, `{subject}` and `{tars}` stand for what the scene has."""

    name: str
    arguments: str
    reads: bool = True
    """Leaves the dataset as it is."""
    terminal: bool = False
    bytes_on_stdout: bool = False
    """What it writes to a file is content and not for a terminal."""


COMMANDS = tuple(
    Command(*each)
    for each in (
        ("info", "info {dst}"),
        ("ls", "ls {dst}"),
        ("ls --long", "ls {dst} --long"),
        ("cat", "cat {dst} {key}", True, False, True),
        ("verify --quick", "verify {dst} --quick"),
        ("verify", "verify {dst}"),
        ("verify --json", "verify {dst} --json"),
        ("verify --decode", "verify {dst} --decode"),
        ("order", "order {dst} --batch 2 --sampler pairs"),
        ("unpack", "unpack {dst} {out}"),
        ("unpack --to-arrays", "unpack {dst} {out} --to-arrays"),
        ("ls --long on a terminal", "ls {dst} --long", True, True),
        ("verify on a terminal", "verify {dst}", True, True),
        ("cat on a terminal", "cat {dst} {key} --ext mnt", True, True),
        ("repair", "repair {dst}", False),
        ("repair --source", "repair {dst} --source {src}", False),
        ("append", "append {src} {dst}", False),
        ("append --replan", "append {src} {dst} --replan", False),
        ("remove", "remove {dst} --subject {subject} --yes", False),
        ("merge", "merge {dst}", False),
        ("pack", "pack {src} {dst} --shard-size 2000 --split train=0.5,val=0.5", False),
        ("pack --replan", "pack {src} {dst} --shard-size 2000 --split train=0.5,val=0.5 --replan", False),
        ("index", "index {tars} {dst}", False),
        ("index --replan", "index {tars} {dst} --replan", False),
        ("stream", "stream {dst}"),
    )
)
BY_NAME = {each.name: each for each in COMMANDS}


@dataclass(frozen=True)
class Ended:
    outcome: Outcome
    stdout: str
    stderr: str


class Runner:
    """Runs commands on fresh copies of cases, below a folder of its own."""

    def __init__(self, base: Path) -> None:
        self.root = base / "run"
        self._base = base
        self._servers: dict[bool, subprocess.Popen[str]] = {}
        self._built: tuple[Edits, Dataset] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, _kind: type[BaseException] | None, _e: BaseException | None, _t: TracebackType | None) -> None:
        for server in self._servers.values():
            server.communicate()

    @property
    def victim(self) -> Path:
        return self.root / "victim"

    def troubles(self, case: Case, command: Command) -> list[str]:
        """Run a command on a fresh copy of a case; return everything that no command may do and this one did."""
        scene = self.lay(case)
        unmade = not os.path.lexists(scene.folder / "manifest.json")
        outside, inside = snapshot(scene, outside=True), snapshot(scene, outside=False)
        ended = self.run(_arguments(scene, case, command), scene.root / "cwd", terminal=command.terminal)
        found = [*_wrong_end(ended, case, command), *wrong_words(ended, bytes_on_stdout=command.bytes_on_stdout)]
        found += [f"outside the dataset: {each}" for each in changes(outside, snapshot(scene, outside=True))]
        if command.reads:
            found += [f"in the dataset: {each}" for each in changes(inside, snapshot(scene, outside=False))]
        elif ended.outcome.code in _DONE:
            repairs = command.name.startswith("repair")
            damage = self._damage_in(scene, stale_files=repairs)
            if damage and (unmade or repairs or self._is_intact(case)):
                found += [f"done, and then verify finds damage: {damage}"]
        return found

    def _damage_in(self, scene: Scene, *, stale_files: bool = True) -> str:
        """Return the first line about damage; a single stale file is none for commands that do not repair."""
        verified = self.run(["verify", str(scene.folder)], scene.root / "cwd")
        lines = [line for line in verified.stderr.splitlines() if " samples \xb7 " not in line]
        if not stale_files and ": leftover. " in verified.stderr and ": 1 finding. " in verified.stderr:
            return ""
        return "".join(lines[:1])[:_LINE] or "it did not end" if verified.outcome.code else ""

    def _is_intact(self, case: Case) -> bool:
        """A plan that lies is followed as long as it leads nowhere outside; `verify` then says what came of it."""
        return bool(case.verified) and case.theme != "plans" and not self._damage_in(self.lay(case))

    def lay(self, case: Case) -> Scene:
        scene = Scene(self.root, self._dataset(case.edits))
        scene.lay()
        case.plant(scene)
        return scene

    def run(self, arguments: Iterable[str], cwd: Path, *, terminal: bool = False, idle: float = _IDLE_SECONDS) -> Ended:
        stdout, stderr = (self._base / name for name in ("stdout", "stderr"))
        for path in (stdout, stderr):
            path.write_bytes(b"")
        request = Request([*arguments], str(cwd), str(stdout), str(stderr), terminal, idle)
        server = self._server(stream=request.arguments[0] == "stream")
        assert server.stdin, "a pipe"
        assert server.stdout, "a pipe"
        server.stdin.write(json.dumps(asdict(request)) + "\n")
        server.stdin.flush()
        outcome = Outcome(**json.loads(server.stdout.readline()))
        return Ended(outcome, *(path.read_bytes().decode("utf-8", "surrogateescape") for path in (stdout, stderr)))

    def _dataset(self, edits: Edits) -> Dataset:
        if self._built is None or self._built[0] is not edits:
            self._built = edits, build(edits)
        return self._built[1]

    def _server(self, *, stream: bool) -> subprocess.Popen[str]:
        if stream not in self._servers:
            command = [sys.executable, "-m", "tests.support.fork_server", *(["--stream"] if stream else [])]
            pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
            self._servers[stream] = subprocess.Popen(command, text=True, cwd=ROOT, **pipes)  # type: ignore[call-overload]
        return self._servers[stream]


def _arguments(scene: Scene, case: Case, command: Command) -> Iterator[str]:
    first = scene.dataset.samples[0]
    words: dict[str, object] = {"dst": scene.folder, "src": scene.source, "out": scene.out}
    words |= {"key": case.key or first["key"], "subject": first["subject"]}
    for word in command.arguments.split():
        if word == "{tars}":
            yield from (str(scene.folder / name) for name in scene.dataset.files if name.endswith(".tar"))
        else:
            yield word.format(**words)


def _wrong_end(ended: Ended, case: Case, command: Command) -> Iterator[str]:
    outcome = ended.outcome
    if outcome.stopped:
        yield f"stopped at the limit of {outcome.stopped} ({outcome.seconds:.1f} s, {outcome.peak >> 20:,} MiB)"
    elif outcome.code not in ENDS:
        yield f"exit code {outcome.code}: {_last_line(ended.stderr)}"
    elif outcome.code == 0 and command.name == "verify" and not case.verified:
        yield "nothing was found"


def wrong_words(ended: Ended, *, bytes_on_stdout: bool) -> Iterator[str]:
    """Yield what no command may say; `bytes_on_stdout` is content for a file and may be anything."""
    if "Traceback" in ended.stderr:
        yield f"a traceback: {_last_line(ended.stderr)}"
    if "MemoryError" in ended.stdout + ended.stderr:
        yield "a bare MemoryError"
    said = ended.stderr if bytes_on_stdout else ended.stdout + ended.stderr
    if control := _CONTROL.search(said):
        yield f"the control character {control[0]!a} in its output"
    if any(line.startswith(FORGED) for line in said.splitlines()):
        yield "a forged line in its output"


def _last_line(text: str) -> str:
    return text.strip().rpartition("\n")[2][:_LINE]


def snapshot(scene: Scene, *, outside: bool) -> Snapshot:
    """Return what the system says of each file and folder, with content; of the dataset, or of all beside it."""
    found: dict[str, tuple[Status, bytes]] = {}
    skipped = {scene.folder, scene.out}
    for root, folders, files in os.walk(scene.root if outside else scene.folder):
        if outside and Path(root) == scene.root:
            folders[:] = [each for each in folders if scene.root / each not in skipped]
        for path in (Path(root), *(Path(root, each) for each in (*files, *folders))):
            if path not in {scene.root, *skipped} or not outside:
                found[str(path.relative_to(scene.root))] = _status(path)
    if outside:
        found["."] = (), b" ".join(sorted(os.fsencode(each.name) for each in scene.root.iterdir() if each != scene.out))
    return found


def _status(path: Path) -> tuple[Status, bytes]:
    found = path.lstat()
    content = b""
    if path.is_symlink():
        content = os.fsencode(path.readlink())
    elif stat.S_ISREG(found.st_mode) and found.st_size <= _LARGEST_READ:
        content = path.read_bytes()
    kept = (found.st_mode, found.st_ino, found.st_size, found.st_mtime_ns, found.st_uid)
    return kept, content


def changes(before: Snapshot, after: Snapshot) -> Iterator[str]:
    for name in sorted(before.keys() | after.keys()):
        if name not in after:
            yield f"{name!a} is gone"
        elif name not in before:
            yield f"{name!a} is new"
        elif before[name] != after[name]:
            yield f"{name!a} was changed"
