"""How commands end: one message and its exit code for all that a user can do something about."""

import os
import shutil
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
import torch
from torch import distributed as dist

from shardkit import ShardkitError
from tests.trainer.cli.said import said
from tests.trainer.jobs import ROOT
from trainer.__main__ import COMMANDS, main
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


def test_help_names_every_command(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="0"):
        main(["--help"])
    text = capsys.readouterr().out
    assert [each for each in COMMANDS if each != "train" and each not in text] == []


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_a_help_of_its_own(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="0"):
        main([command, "--help"])
    text = capsys.readouterr().out
    assert f"python -m trainer {command}" in text or command == "train"
    assert "--section." in text


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["evaluat"], "There is no command 'evaluat'. Did you mean evaluate?"),
        (["evaluate"], "python -m trainer evaluate: the following arguments are required: RUN."),
        (["evaluate", "RUN", "--jsn"], "there is no flag --jsn. Did you mean --json?"),
        (["evaluate", "RUN", "more"], "'more' is one word too many."),
        (["evaluate", "RUN", "--step", "soon"], "--step is 'soon', and it must be best, latest or a number of steps."),
        (["evaluate", "RUN", "--step", "7"], "step 7 has no checkpoint. Steps with one: 2, 4, 6, 8, 10, 12."),
        (["evaluate", "RUN", "--split", "vla"], "there is no split 'vla', but train, val."),
        (["evaluate", "RUN", "--model.width", "8"], "those of its own model. Leave out --model.width."),
        (["evaluate", "RUN", "--sytem.device", "cpu"], "Did you mean --system.device?"),
        (["evaluate", "RUN", "--config", "demo"], "has its own config.toml, so there is no --config."),
        (["evaluate", "RUN", "--data.path", "nowhere"], "nowhere: there is no such folder."),
        (["embed", "RUN"], "the following arguments are required: OUT."),
        (["embed", "RUN", "out.npz", "--dtype", "fp8"], "invalid choice: 'fp8'"),
        (["replay", "RUN"], "the following arguments are required: STEP."),
        (["replay", "RUN", "first"], "invalid int value: 'first'"),
        (["replay", "RUN", "0"], "this run has the steps 1 to 12, and not 0."),
        (["replay", "RUN", "13"], "this run has the steps 1 to 12, and not 13."),
        (["prove", "RUN", "--rank", "2"], "Did you mean --ranks?"),
        (["prove", "RUN", "--ranks", "0"], "--ranks must be 1 at least."),
        (["prove", "RUN", "--ranks", "3"], "3 ranks with data.micro_batch = 4 take 12 samples at once"),
        (["prove", "RUN", "--steps", "3"], "--steps must be 4 at least"),
        (["overfit"], "No dataset is named."),
        (["overfit", "run.toml"], "'run.toml' is one word too many."),
        (["doctor", "--mastr", "there:1"], "Did you mean --master?"),
        (["doctor", "--master", "there"], "--master is 'there', and it must be HOST:PORT."),
    ],
)
def test_mistakes_end_with_2_and_a_sentence(
    run: Path, words: list[str], says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    text = said(capsys, *(run if each == "RUN" else each for each in words), code=2)
    assert says in text
    assert "Traceback" not in text


@pytest.mark.parametrize("command", ["evaluate RUN", "embed RUN out.npz", "replay RUN 1", "prove RUN"])
def test_a_folder_of_something_else_is_told(data: Path, command: str, capsys: pytest.CaptureFixture[str]) -> None:
    text = said(capsys, *(data if each == "RUN" else each for each in command.split()), code=2)
    assert "this is no run folder, it has no config.toml" in text


def test_a_run_without_a_checkpoint_yet_is_told(run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    shutil.copy(run / "config.toml", tmp_path)
    assert "there is no whole checkpoint yet. Train first" in said(capsys, "evaluate", tmp_path, code=2)
    assert "Steps with one: none yet." in said(capsys, "evaluate", tmp_path, "--step", "1", code=2)


def test_a_damaged_checkpoint_is_passed_over_and_its_number_refused(
    run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    mine = shutil.copytree(run, tmp_path / "run")
    newest = mine / "checkpoints" / "step-0000000012" / "model.safetensors"
    newest.write_bytes(newest.read_bytes()[:-1])
    text = said(capsys, "evaluate", mine, "--step", "latest")
    assert "Step 10 is used instead." in text
    assert "this is no whole checkpoint" in said(capsys, "evaluate", mine, "--step", "12", code=5)
