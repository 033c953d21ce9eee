"""How commands end: one message and its exit code for all that a user can do something about."""

import os
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
import torch
from torch import distributed as dist

from shardkit import ShardkitError
from tests.trainer.jobs import ROOT
from trainer.cli.app import run_command
from trainer.errors import Busy, Diverged, Mismatch, NoSpace, PeerLost, UsageError

_PROGRAM = "from trainer.cli.app import run_command; sys.exit(run_command(lambda: print('x') or 0))"


def _ending(error: BaseException, capsys: pytest.CaptureFixture[str]) -> tuple[int, str]:
    def command() -> int:
        raise error

    return run_command(command), capsys.readouterr().err


@pytest.mark.parametrize(
    ("error", "code"),
    [(UsageError, 2), (Mismatch, 5), (Busy, 5), (NoSpace, 6), (Diverged, 1), (PeerLost, 1), (ShardkitError, 1)],
)
def test_what_is_raised_on_purpose_is_a_sentence_and_its_code(
    error: type[ShardkitError], code: int, capsys: pytest.CaptureFixture[str]
) -> None:
    assert _ending(error("Say it."), capsys) == (code, "Say it.\n")


@pytest.mark.parametrize(
    "error",
    [
        RuntimeError("[gloo/transport/tcp/pair.cc:547] Connection closed by peer [127.0.0.1]:1"),
        RuntimeError("NCCL communicator was aborted on rank 1."),
        dist.DistNetworkError("The client socket has timed out after 1800000ms"),
    ],
)
def test_a_lost_peer_is_told_with_where_this_rank_stood(
    error: RuntimeError, capsys: pytest.CaptureFixture[str]
) -> None:
    code, said = _ending(error, capsys)
    assert code == 1
    assert "Traceback" in said
    assert said.splitlines()[-1].startswith("Another rank of this job died, left or could not be reached")
    assert str(error) in said.splitlines()[-1]


@pytest.mark.parametrize(
    ("error", "whose"),
    [
        (torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.\nmore"), "The GPU's"),
        (
            RuntimeError("[enforce fail at alloc_cpu.cpp:124] DefaultCPUAllocator: can't allocate memory"),
            "This machine's",
        ),
        (MemoryError(), "This machine's"),
    ],
)
def test_a_full_memory_names_what_helps_in_order(
    error: Exception, whose: str, capsys: pytest.CaptureFixture[str]
) -> None:
    code, said = _ending(error, capsys)
    assert code == 1
    assert said.startswith(f"{whose} memory is full: ")
    assert "more" not in said.splitlines()[0]
    order = ["half of data.micro_batch", "system.activation_checkpoint", "data.threads"]
    assert sorted(order, key=said.index) == order
    assert "Traceback" not in said


def test_ctrl_c_ends_with_130_and_no_traceback(capsys: pytest.CaptureFixture[str]) -> None:
    code, said = _ending(KeyboardInterrupt(), capsys)
    assert code == 130
    assert said.count("\n") == 1


def test_ctrl_c_while_torch_is_imported_is_heard_and_leaves_at_once() -> None:
    """A module stands in for torch that swallows whatever is raised while it is imported, as some do."""
    stand_in = (
        "import os, signal, time\n"
        "try:\n    os.kill(os.getpid(), signal.SIGINT)\n    time.sleep(9)\n"
        "except BaseException:\n    pass\n"
    )
    program = f"import sys; sys.modules.pop('torch', None); sys.path.insert(0, sys.argv[1]); {_PROGRAM}"
    with TemporaryDirectory() as folder:
        (Path(folder) / "torch.py").write_text(stand_in)
        ended_ = subprocess.run(
            [sys.executable, "-c", program, folder], capture_output=True, text=True, cwd=ROOT, check=False
        )
    assert (ended_.returncode, ended_.stdout) == (130, "")
    assert ended_.stderr == "Interrupted before anything was begun. The same command starts it.\n"


def test_a_mistake_of_ours_is_not_hidden() -> None:
    with pytest.raises(RuntimeError, match="shape"):
        run_command(lambda: torch.zeros(2).view(3).shape[0])


def test_a_reader_who_has_read_enough_is_no_error() -> None:
    program = f"import sys; {_PROGRAM}"
    reads, writes = os.pipe()
    os.close(reads)
    ended_ = subprocess.run(
        [sys.executable, "-c", program], stdout=writes, stderr=subprocess.PIPE, cwd=ROOT, check=False
    )
    os.close(writes)
    assert (ended_.returncode, ended_.stderr) == (0, b"")
