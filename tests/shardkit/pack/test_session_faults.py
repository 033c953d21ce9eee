"""A pack whose every file operation fails once, or is the last of its process: the same command mends it."""

import errno
import itertools
import os
import signal
import stat
import subprocess
import sys
from collections.abc import Callable, Collection, Iterator
from pathlib import Path
from typing import Any
from unittest import mock

import pytest

from tests import trees
from tests.commands import ROOT, Ended, packed, ran
from tests.faults.disk import run_on_disk
from tests.faults.operations import Nth, failing, watched

OPTIONS = ("--shard-size", "500", "--split", "train=0.5,val=0.5", "--sha256", "--workers", "1")

# What opening does is seen at the operation after it.
CHANGING = {"mkdir", "write", "fsync", "replace", "unlink"}

# One process imports everything once and forks a child a case: a kill is real, and costs no start-up.
KILLED = """
import os, signal, sys
from pathlib import Path
from shardkit.cli import packing as outcome; from shardkit.cli.commands import pack as _
from shardkit.pack import session as packing; from shardkit.pack.plan import planner as planning
from shardkit.image import codec
from tests.commands import ran
from tests.faults.operations import Nth, watched
from tests.shardkit.pack.test_session_faults import CHANGING

def packed(number, folder):
    operations = Nth(number, lambda: os.kill(os.getpid(), signal.SIGKILL))
    with watched(lambda name: operations(name) if name in CHANGING else None):
        code = ran("pack", sys.argv[1], folder, *sys.argv[3:]).code
    return code if operations.untouched else 99

def ended(work, *args):
    child = os.fork()
    if not child:
        os._exit(work(*args))
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])

for number in range(1, 1000):
    folder = str(Path(sys.argv[2], str(number)))
    code = ended(packed, number, folder)
    if code == 0:
        break
    assert code == -signal.SIGKILL, code
    assert ended(packed, 10**9, folder) == 0, number
print(number)
"""


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return trees.grown(tmp_path_factory.mktemp("tree"), subjects=2, impressions=1, sidecars=True)


@pytest.fixture(scope="module")
def whole(source: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """The files of an undisturbed pack."""
    return trees.files(packed(source, tmp_path_factory.mktemp("whole") / "packed", *OPTIONS))


def test_sigkill_at_the_nth_operation_is_mended_by_the_same_command(
    source: Path, whole: dict[str, bytes], tmp_path: Path
) -> None:
    command = [sys.executable, "-c", KILLED, str(source), str(tmp_path), *OPTIONS]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr
    kills = int(ended.stdout)
    assert kills > 50
    for number in range(1, kills + 1):
        assert trees.files(tmp_path / str(number)) == whole, number
        assert not trees.left_over(tmp_path / str(number))


@pytest.mark.parametrize("on", [False, True], ids=["once", "from then on"])
def test_no_space_at_the_nth_operation(source: Path, whole: dict[str, bytes], tmp_path: Path, *, on: bool) -> None:
    said = set[str]()
    for number, ended in faults(
        source, tmp_path, failing(errno.ENOSPC), only=CHANGING - {"unlink"}, on=on, step=3 if on else 1
    ):
        if ended.code:
            assert (ended.code, ended.error.count("no space left")) == (6, 1), ended.error
            said |= {each for each in ("inodes are free)", "bytes more are needed") if each in ended.error}
        mended(source, whole, tmp_path / str(number))
    assert said == {"inodes are free)", "bytes more are needed"}


@pytest.mark.parametrize("operation", ["write", "fsync", "replace"])
def test_a_failing_disk_is_told_and_nothing_of_it_is_trusted(
    operation: str, source: Path, whole: dict[str, bytes], tmp_path: Path
) -> None:
    for number, ended in faults(source, tmp_path, failing(errno.EIO), only={operation}):
        assert ended.code == 7, ended.stderr
        assert "the disk reports «Input/output error»" in ended.error
        mended(source, whole, tmp_path / str(number))


def test_a_failed_flush_is_never_tried_again_and_nothing_is_published(source: Path, tmp_path: Path) -> None:
    for number in itertools.count(1):
        flushed = list[Path]()

        def flush(descriptor: int, real: Callable[[int], None] = os.fsync) -> None:
            flushed.append(Path(f"/proc/self/fd/{descriptor}").readlink())  # noqa: B023 - called here
            if len(flushed) == number:  # noqa: B023
                failing(errno.EIO)()
            real(descriptor)

        with mock.patch.object(os, "fsync", flush):
            ran("pack", source, tmp_path / str(number), *OPTIONS)
        if len(flushed) < number:
            break
        failed = flushed[number - 1]
        if failed.suffix == ".part":
            assert flushed.count(failed) == 1
            assert not failed.exists()
            assert not failed.with_name(failed.stem[1:]).exists()
    assert number > 30


@pytest.mark.parametrize(("code", "expected"), [(errno.EINVAL, 0), (errno.ENOTSUP, 0), (errno.EIO, 7)])
def test_a_folder_that_cannot_be_flushed_is_tolerated_and_one_that_fails_is_not(
    code: int, expected: int, source: Path, whole: dict[str, bytes], tmp_path: Path
) -> None:
    def flushed(descriptor: int, real: Callable[[int], None] = os.fsync) -> None:
        if stat.S_ISDIR(os.fstat(descriptor).st_mode):
            failing(code)()
        real(descriptor)

    with mock.patch.object(os, "fsync", flushed):
        ended = ran("pack", source, tmp_path / "out", *OPTIONS)
    assert ended.code == expected, ended.stderr
    mended(source, whole, tmp_path / "out")


def test_short_writes_and_reads_change_nothing(source: Path, whole: dict[str, bytes], tmp_path: Path) -> None:
    def short(descriptor: int, buffers: list[memoryview], real: Any = os.readv) -> int:  # noqa: ANN401
        return real(descriptor, [buffers[0][:33]])  # type: ignore[no-any-return]

    with watched(lambda _: None, longest_write=100), mock.patch.object(os, "readv", short):
        assert trees.files(packed(source, tmp_path / "out", *OPTIONS)) == whole


def test_a_storm_of_signals_changes_nothing(source: Path, whole: dict[str, bytes], tmp_path: Path) -> None:
    """Each interrupts whatever call is under way, with EINTR."""
    signals = list[int]()
    before = signal.signal(signal.SIGALRM, lambda signum, _: signals.append(signum))
    signal.setitimer(signal.ITIMER_REAL, 0.0005, 0.0005)
    try:
        assert trees.files(packed(source, tmp_path / "out", *OPTIONS)) == whole
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    assert len(signals) > 20


@pytest.mark.parametrize(("signum", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_at_the_nth_operation_is_never_a_success_and_can_be_resumed(
    signum: signal.Signals, code: int, source: Path, whole: dict[str, bytes], tmp_path: Path
) -> None:
    for number, ended in faults(source, tmp_path, lambda: os.kill(os.getpid(), signum), step=2):
        assert ended.code == code, (number, ended.stderr)
        assert ended.error == f"Error: interrupted by {signum.name}. Run the same command again; what is whole is kept."
        assert not list((tmp_path / str(number)).rglob("*.part"))
        mended(source, whole, tmp_path / str(number))


ON_A_DISK = f"""
import sys
from pathlib import Path
from unittest import mock
sys.path.insert(0, {str(ROOT)!r})
from shardkit.pack.estimate import SpaceEstimate
from tests import trees
from tests.commands import ran

def packed():
    # What was free when the plan was made is taken by others afterwards.
    with mock.patch.object(SpaceEstimate, "require"):
        return ran("pack", {{source!r}}, "out", *{OPTIONS!r})

def filled(free):
    whole = 400 << 10
    Path("filler").write_bytes(bytes(whole - free))

fulls = 0
for free in range(0, 400 << 10, 4 << 10):
    filled(free)
    ended = packed()
    assert "Traceback" not in ended.stderr, ended.stderr
    if ended.code == 0:
        break
    assert (ended.code, "no space left" in ended.error) == (6, True), ended.stderr
    fulls += 1
    Path("filler").unlink()
    if not fulls % 5:
        assert packed().code == 0
        assert trees.files(Path("out")) == trees.files(Path({{whole!r}}))
        assert not trees.left_over(Path("out"))
        import shutil; shutil.rmtree("out")
print(fulls)
"""


def test_a_disk_that_is_full_is_said_and_once_there_is_room_the_same_command_ends(source: Path, tmp_path: Path) -> None:
    whole = packed(source, tmp_path / "whole", *OPTIONS)
    (tmp_path / "disk").mkdir()
    ended = run_on_disk("size=400k", tmp_path / "disk", ON_A_DISK.format(source=str(source), whole=str(whole)))
    assert ended.returncode == 0, ended.stderr
    assert int(ended.stdout) > 5


def faults(
    source: Path,
    tmp_path: Path,
    act: Callable[[], None],
    *,
    only: Collection[str] = CHANGING,
    on: bool = False,
    step: int = 1,
) -> Iterator[tuple[int, Ended]]:
    """Pack again and again, and let the first, the second, the third … operation fail."""
    for number in itertools.count(1, step):
        operations = Nth(number, act, on=on)
        with watched(lambda name: operations(name) if name in only else None):  # noqa: B023 - called here
            ended = ran("pack", source, tmp_path / str(number), *OPTIONS)
        if operations.untouched:
            assert ended.code == 0
            assert number > 10
            return
        yield number, ended


def mended(source: Path, whole: dict[str, bytes], folder: Path) -> None:
    packed(source, folder, *OPTIONS)
    assert trees.files(folder) == whole
    assert not trees.left_over(folder)
