"""An epoch opens each shard once and asks the system for nothing a sample, and many shards do not exhaust it."""

import os
import re
import resource
import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from shardkit.stream.dataset import StreamingDataset
from tests.commands import ROOT, environment
from tests.shardkit.pack import array_files
from tests.shardkit.stream.apart import apart

pytestmark = pytest.mark.usefixtures("server_that_stays")
SAMPLES, SHARDS = 1800, 6
FEW_FILES = 64


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("calls")
    source = array_files.npy(root / "source", array_files.values(SAMPLES), array_files.labels(SAMPLES))
    packed = array_files.packed(source, root / "packed", shard_size=f"{SAMPLES // SHARDS * 96}")
    assert len(list(packed.glob("*.tar"))) == SHARDS
    return packed


@pytest.fixture(scope="module")
def many_shards(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("many")
    source = array_files.npy(root / "source", array_files.values(2 * FEW_FILES), array_files.labels(2 * FEW_FILES))
    packed = array_files.packed(source, root / "packed", shard_size="96")
    assert len(list(packed.glob("*.tar"))) == 2 * FEW_FILES
    return packed


def _opened(folder: Path, epochs: int) -> dict[str, int]:
    """How often each file of the dataset is opened from the making of a stream to the end of its epochs."""
    opened = Counter[str]()

    def hook(event: str, args: tuple[object, ...]) -> None:
        if event in {"open", "os.listdir", "os.scandir"}:
            opened[Path(str(args[0])).suffix] += 1

    sys.addaudithook(hook)
    stream = StreamingDataset(folder, batch_size=60, threads=2)
    for _ in range(epochs):
        assert len(list(stream)) == SAMPLES // 60
    return dict(opened)


def test_an_epoch_opens_each_shard_once(folder: Path) -> None:
    once, thrice = apart(_opened, folder, 1), apart(_opened, folder, 3)

    assert once[".tar"] == 2 * SHARDS, "by those who fill batches, and by the one who reads ahead"
    assert thrice[".tar"] == 6 * SHARDS
    assert thrice[".parquet"] == once[".parquet"] < SHARDS, "the index is read once"
    assert sum(thrice.values()) < SAMPLES // 4


def _few_files(folder: Path) -> tuple[int, int]:
    """How many samples come, and how many files are open at most."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (FEW_FILES, hard))
    stream, most, samples = StreamingDataset(folder, batch_size=8, threads=4), 0, 0
    for _ in range(2):
        for batch in stream:
            most = max(most, len(os.listdir("/proc/self/fd")))  # noqa: PTH208 - a count is all
            samples += len(np.unique(batch.numbers.numpy()))
    return samples, most


def test_more_shards_than_files_may_be_open(many_shards: Path) -> None:
    samples, most = apart(_few_files, many_shards)

    assert samples == 4 * FEW_FILES
    assert most < FEW_FILES


SCRIPT = """
import os, sys
from shardkit.stream.dataset import StreamingDataset
stream = StreamingDataset(sys.argv[1], batch_size=60, threads=2)
list(stream)
os.path.exists("/begin")
list(stream)
os.path.exists("/end")
"""


@pytest.mark.skipif(shutil.which("strace") is None, reason="strace is not installed")
def test_the_system_is_asked_for_nothing_a_sample(folder: Path, tmp_path: Path) -> None:
    """Neither for what it knows of a name, nor for what it knows of a file that is open."""
    strace, told = shutil.which("strace"), tmp_path / "told"
    assert strace is not None
    traced = [strace, "-f", "--seccomp-bpf", "-e", "trace=%file,fstat,newfstatat,lseek", "-o", str(told)]
    command = [*traced, sys.executable, "-c", SCRIPT, str(folder)]
    ended = subprocess.run(command, env=environment(), cwd=ROOT, capture_output=True, text=True, check=False)
    if "ptrace" in ended.stderr:
        pytest.skip("nothing may be traced here")
    assert ended.returncode == 0, ended.stderr
    [calls] = re.findall(r"/begin.*?\n(.*)\n[^\n]*/end", told.read_text(), re.DOTALL)
    opened = re.findall(r'"([^"]*\.tar)"', calls)

    assert {*opened} == {f"train-{number:06}.tar" for number in range(SHARDS)}
    assert len(opened) <= 3 * SHARDS
    assert len(calls.splitlines()) < SAMPLES // 4
