"""Whatever fails and whenever it is killed: what is in the tree is whole, and the same command finishes it."""

import errno
import itertools
import signal
import subprocess
import sys
from pathlib import Path

import pytest

import shardkit
from shardkit.errors import Mismatch, NoSpace, ShardkitError, StorageFailing, UsageError
from shardkit.pack.unpack.tree import unpack
from shardkit.reader.dataset import Dataset, select
from shardkit.storage import atomic
from tests.faults.operations import Nth, failing, watched
from tests.packed import files, packed
from tests.pictures import png

ROOT = Path(__file__).parents[4]


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    """Two shards of two samples."""
    folder = tmp_path_factory.mktemp("small")
    for number in range(4):
        image = folder / f"source/{number % 2}/{number}.png"
        image.parent.mkdir(parents=True, exist_ok=True)
        image.write_bytes(png(seed=number))
    return shardkit.open(packed(folder, shard_size=500))


def unpack_all(dataset: Dataset, out: Path) -> list[str]:
    outcomes = unpack(dataset, out, select(dataset, None, None), 1, lambda _samples, _bytes: None)
    return [finding for each in outcomes for finding in each.findings]


def require_whole_or_absent(dataset: Dataset, out: Path) -> None:
    there = {path: content for path, content in files(out).items() if not path.startswith(b".shardkit-unpack")}
    assert there.items() <= files(dataset.folder.parent / "source").items()


def require_finished(dataset: Dataset, out: Path) -> None:
    assert not unpack_all(dataset, out)
    assert files(out) == files(dataset.folder.parent / "source")
    assert not (out / ".shardkit-unpack").exists()


KILLED = """
import os, signal, sys
from pathlib import Path
import shardkit
from tests.faults.operations import Nth, watched
from tests.shardkit.pack.unpack.test_tree_faults import unpack_all

dataset = shardkit.open(sys.argv[1])
with watched(Nth(int(sys.argv[3]), lambda: os.kill(os.getpid(), signal.SIGKILL))):
    unpack_all(dataset, Path(sys.argv[2]))
"""


@pytest.mark.parametrize("number", [1, 5, 9, 13, 17, 21, 25, 29])
def test_sigkill_at_the_nth_operation_and_the_same_command_again(dataset: Dataset, tmp_path: Path, number: int) -> None:
    out = tmp_path / "out"
    ended = subprocess.run([sys.executable, "-c", KILLED, dataset.folder, out, str(number)], cwd=ROOT, check=False)

    assert ended.returncode in {0, -signal.SIGKILL}
    assert ended.returncode == -signal.SIGKILL or number > 20
    if out.exists():
        require_whole_or_absent(dataset, out)
    require_finished(dataset, out)


@pytest.mark.parametrize(
    ("code", "expected"),
    [(errno.ENOSPC, NoSpace), (errno.EIO, StorageFailing), (errno.EROFS, UsageError)],
    ids=lambda value: errno.errorcode[value] if isinstance(value, int) else value.__name__,
)
def test_a_failure_at_the_nth_operation(
    dataset: Dataset, tmp_path: Path, code: int, expected: type[ShardkitError]
) -> None:
    for number in itertools.count(1):
        out = tmp_path / str(number) / "out"
        operations = Nth(number, failing(code))
        with watched(operations):
            ran = ran_through(dataset, out, expected)
        if ran and operations.untouched:
            break
        if out.exists():
            require_whole_or_absent(dataset, out)
        require_finished(dataset, out)
    assert number > 20


def ran_through(dataset: Dataset, out: Path, expected: type[ShardkitError]) -> bool:
    try:
        unpack_all(dataset, out)
    except expected:
        return False
    return True


def test_short_and_interrupted_writes_are_completed(dataset: Dataset, tmp_path: Path) -> None:
    calls = itertools.count()

    def interrupt_every_other(name: str) -> None:
        if name == "write" and next(calls) % 2 == 0:
            raise InterruptedError(errno.EINTR, "interrupted")

    with watched(interrupt_every_other, longest_write=7):
        unpack_all(dataset, tmp_path)

    assert next(calls) > 20
    require_finished(dataset, tmp_path)


def test_a_failed_flush_gives_no_name_and_is_told(
    dataset: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patched:
        patched.setattr(atomic, "_flush_file_system", lambda _: failing(errno.EIO)())
        with pytest.raises(StorageFailing, match="Input/output error"):
            unpack_all(dataset, tmp_path)

    assert not files(tmp_path)
    require_finished(dataset, tmp_path)


@pytest.mark.parametrize("moment", ["rename", "fsync"])
def test_a_file_that_appears_meanwhile_is_not_overwritten(
    dataset: Dataset, tmp_path: Path, moment: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At the last moment, and before the files of a shard become durable."""

    def late(operation: str) -> None:
        if operation == moment:
            for name in ("0/0.png", "1/1.png"):
                (tmp_path / name).write_bytes(b"precious")

    flush = atomic._flush_file_system  # noqa: SLF001 - the moment before it is what is tested

    def flushed(descriptor: int) -> None:
        late("fsync")
        flush(descriptor)

    (tmp_path / "0").mkdir()
    (tmp_path / "1").mkdir()
    monkeypatch.setattr(atomic, "_flush_file_system", flushed)

    with pytest.raises(Mismatch, match=r"[01]\.png: appeared while this command ran"), watched(late):
        unpack_all(dataset, tmp_path)
    assert (tmp_path / "0/0.png").read_bytes() == b"precious"
