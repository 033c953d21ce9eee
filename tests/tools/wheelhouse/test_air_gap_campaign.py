"""All of it: real wheels from the index of this machine's pip, carried into a room without network, and used there."""

import os
import shutil
from pathlib import Path

import pytest

from tests.tools.wheelhouse.places import ROOT, collect, offline

pytestmark = pytest.mark.campaign

MAKE = (
    "python",
    str(ROOT / "tools/make_fingerprints.py"),
    "fingers",
    "--subjects=12",
    "--impressions=4",
    "--size=192x160",
)
STREAM = """
import shardkit
served = [key for batch in shardkit.StreamingDataset("packed", global_batch=4) for key in batch.keys]
assert len(set(served)) == 36, served
"""
SMALL = {
    "data.global_batch": 8,
    "data.micro_batch": 4,
    "augment.shrink": 1,
    "augment.ridge_period": 0,
    "system.threads": 1,
}
# torchrun's ranks meet over the loopback interface, which a new name space has, but down.
LOOPBACK_UP = """
import contextlib, fcntl, os, socket, struct, sys
with socket.socket() as any, contextlib.suppress(PermissionError):
    fcntl.ioctl(any, 0x8914, struct.pack("16sh14x", b"lo", 0x49))
os.execvp("torchrun", ["torchrun", *sys.argv[1:]])
"""
RUN = ["--config=demo", "--data.path=packed", "--run.folder=run", "--run.steps=2"]
TRAIN = ["-m", "trainer", *RUN, *(f"--{name}={value}" for name, value in SMALL.items())]
COMMANDS: list[tuple[str, ...]] = [
    MAKE,
    ("shardkit", "pack", "fingers", "packed", "--split", "train=0.75,val=0.25"),
    ("shardkit", "verify", "packed", "--decode"),
    ("python", "-c", STREAM),
    ("python", *TRAIN),
    ("python", "-c", LOOPBACK_UP, "--standalone", "--nproc_per_node=2", *TRAIN, "--run.folder=two"),
    ("python", "-m", "trainer", "evaluate", "run"),
    ("shardkit", "doctor", "."),
]


@pytest.fixture(scope="module")
def wheels(tmp_path_factory: pytest.TempPathFactory) -> Path:
    outside = tmp_path_factory.mktemp("outside")
    environment = {name: value for name, value in os.environ.items() if not name.startswith("MAKE")}
    ended = collect(outside / "wheelhouse", environment)
    if ended.returncode == 7:
        pytest.skip("no package index can be reached: there is nothing to collect from")
    assert ended.returncode == 0, ended.stderr
    return (outside / "wheelhouse").rename(tmp_path_factory.mktemp("in side") / "wheelhouse")


def test_pack_to_evaluate_without_a_network(wheels: Path, tmp_path: Path) -> None:
    """No cache of this user is at hand either: the home is empty."""
    installed = offline(["sh", str(wheels / "install.sh")], tmp_path)
    assert installed.returncode == 0, installed.stderr
    assert "could not be compiled" not in installed.stdout

    bin_first = f"{tmp_path}/shardkit-venv/bin:{os.environ['PATH']}"
    for command in COMMANDS:
        program = shutil.which(command[0], path=bin_first) or command[0]
        ended = offline([program, *command[1:]], tmp_path, PATH=bin_first)
        assert ended.returncode == 0, (command, ended.stdout, ended.stderr)
    for run in ("run", "two"):
        assert (tmp_path / run / "checkpoints/step-0000000002/model.safetensors").exists()


def test_a_wheel_with_its_extra_is_installed_from_a_folder_with_a_blank(wheels: Path, tmp_path: Path) -> None:
    """As somebody does who knows pip and not our installer."""
    wheel = next(wheels.glob("shardkit-*.whl"))
    assert " " in str(wheel)

    assert offline(["python3", "-m", "venv", "a venv"], tmp_path).returncode == 0
    pip = [str(tmp_path / "a venv/bin/python"), "-m", "pip", "--isolated", "install", "--no-index"]
    ended = offline([*pip, "--find-links", str(wheels), f"{wheel}[train]"], tmp_path, PIP_CONFIG_FILE=os.devnull)
    assert ended.returncode == 0, ended.stderr

    plan = ["-m", "trainer", "--help"]
    assert offline([str(tmp_path / "a venv/bin/python"), *plan], tmp_path).returncode == 0
