"""images.bin and labels.bin: laid out as promised, learnable, and the same bytes after any interruption."""

import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from filecmp import cmp
from pathlib import Path

import numpy as np
import pytest

from shardkit.storage.atomic import temp_path
from synthetic.arrays import Pictures, Problem, labels
from tests.faults.disk import run_on_disk
from tests.tools.tool import IN_PROCESS, made, stopped, tool

PROBLEM = Problem(seed=5, classes=10, shape=(3, 32, 32), noise=1.0)
CHUNK = PROBLEM.chunk_samples
SAMPLES = 4 * CHUNK + 100
ASKED = ("--samples", SAMPLES, "--seed", 5)


@pytest.fixture
def out(tmp_path: Path) -> Iterator[Path]:
    """A folder that does not outlive its test: the arrays are large."""
    yield tmp_path / "out"
    shutil.rmtree(tmp_path)


@pytest.fixture(scope="module")
def arrays(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("arrays")
    made("make_arrays", folder, *ASKED, "--workers", 1)
    yield folder
    shutil.rmtree(folder)


def same(one: Path, other: Path) -> bool:
    names = sorted(file.name for file in one.iterdir())
    alike = names == sorted(file.name for file in other.iterdir())
    return alike and all(cmp(one / name, other / name, shallow=False) for name in names)


def test_a_column_is_a_sample(arrays: Path) -> None:
    images = np.memmap(arrays / "images.bin", "<f4", "r", shape=(3072, SAMPLES), order="F")
    given = np.fromfile(arrays / "labels.bin", "<i4")
    assert len(given) == SAMPLES
    for chunk, count in ((1, CHUNK), (4, 100)):
        here = slice(chunk * CHUNK, chunk * CHUNK + count)
        np.testing.assert_array_equal(images[:, here].T.reshape(-1, 3, 32, 32), Pictures(PROBLEM).chunk(chunk)[:count])
        np.testing.assert_array_equal(given[here], labels(PROBLEM, chunk)[:count])


def test_a_shape_and_classes_of_ones_own(out: Path) -> None:
    made("make_arrays", out, "--samples", 1234, "--classes", 7, "--shape", "1x8x12")
    assert (out / "images.bin").stat().st_size == 1234 * 8 * 12 * 4
    assert set(np.fromfile(out / "labels.bin", "<i4")) == set(range(7))


def test_any_number_of_workers_writes_the_same_bytes(arrays: Path, out: Path) -> None:
    made("make_arrays", out, *ASKED, "--workers", 3)
    assert same(out, arrays)


@pytest.mark.parametrize(("by", "code"), [(signal.SIGKILL, -9), (signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_stopped_run_goes_on_from_its_chunks(by: signal.Signals, code: int, arrays: Path, out: Path) -> None:
    part = temp_path(out / "images.bin")

    def in_the_third_chunk() -> bool:
        return part.exists() and part.stat().st_size > 2 * PROBLEM.chunk_bytes

    assert stopped("make_arrays", out, *ASKED, when=in_the_third_chunk, by=by) == code
    assert not (out / "images.bin").exists()
    with part.open("r+b") as file:  # a chunk that was kept keeps this too
        first = file.read(1)
        file.seek(0)
        file.write(bytes([first[0] ^ 1]))
    made("make_arrays", out, *ASKED)
    with (out / "images.bin").open("r+b") as file:
        assert file.read(1) != first
        file.seek(0)
        file.write(first)
    assert same(out, arrays)


def test_what_a_power_cut_may_have_spoilt_is_made_again(arrays: Path, out: Path) -> None:
    """The last whole chunk may not have been flushed: only a byte of the next one says that it was."""
    shutil.copytree(arrays, out)
    content = (out / "images.bin").read_bytes()[: PROBLEM.chunk_bytes]
    (out / "images.bin").unlink()
    temp_path(out / "images.bin").write_bytes(content + bytes(PROBLEM.chunk_bytes))
    made("make_arrays", out, *ASKED)
    assert same(out, arrays)


def test_a_second_run_has_nothing_to_do(arrays: Path) -> None:
    before = {file: file.stat() for file in arrays.iterdir()}
    made("make_arrays", arrays, *ASKED)
    assert {file: file.stat().st_mtime_ns for file in before} == {file: was.st_mtime_ns for file, was in before.items()}


@pytest.mark.parametrize("samples", [SAMPLES - 1, SAMPLES + 1])
def test_another_number_of_samples_is_refused(samples: int, arrays: Path) -> None:
    ended = tool("make_arrays", arrays, *ASKED, "--samples", samples)
    assert ended.returncode == 5
    assert f"samples = {SAMPLES}" in ended.stderr


WRONG = ["--samples 0", "--classes 1", "--noise -1", "--noise nan", "--shape 3x32", "--shape 3x7x32", "--shape 0x32x32"]


@pytest.mark.parametrize("wrong", WRONG)
def test_what_cannot_be_meant_is_refused_before_anything_is_written(wrong: str, out: Path) -> None:
    ended = tool("make_arrays", out, *ASKED, *wrong.split())
    assert ended.returncode == 2
    assert "Error" in ended.stderr
    assert not out.exists()


PEAK = """
from make_arrays import make_arrays
assert run_command(make_arrays, [sys.argv[1], "--samples", sys.argv[2], "--workers", "1"]) == 0
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024)
"""


def test_memory_does_not_grow_with_the_arrays(out: Path) -> None:
    def peak(chunks: int) -> int:
        args = [sys.executable, "-c", IN_PROCESS + PEAK, str(out / str(chunks)), str(chunks * CHUNK)]
        return int(subprocess.run(args, capture_output=True, text=True, check=True).stdout)

    assert peak(12) - peak(4) < PROBLEM.chunk_bytes


FULL = """
from make_arrays import make_arrays
args = ["out", "--samples", "{samples}", "--seed", "5"]
assert run_command(make_arrays, args) == 6, "seen beforehand"
space.require = lambda *_: None
assert run_command(make_arrays, args) == 6, "met on the way"
assert not Path("out/images.bin").exists()
subprocess.run(["mount", "-o", "remount,size=256m", "."], check=True)
assert run_command(make_arrays, args) == 0
assert all(cmp(f"out/{{name}}", Path({arrays!r}, name), shallow=False) for name in ("images.bin", "labels.bin"))
"""


def test_a_full_disk_is_said_and_waited_for(arrays: Path, tmp_path: Path) -> None:
    ended = run_on_disk("size=60m", tmp_path, IN_PROCESS + FULL.format(samples=SAMPLES, arrays=str(arrays)))
    assert ended.returncode == 0, ended.stderr
    beforehand, on_the_way, *_ = [line for line in ended.stderr.splitlines() if line.startswith("Error")]
    assert f"{SAMPLES * 3073 * 4:,} bytes are needed and" in beforehand
    assert "no space left" in on_the_way
