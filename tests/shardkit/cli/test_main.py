"""The commands as a user starts them."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import shardkit

SHARDKIT = Path(sys.executable).with_name("shardkit")


def shardkit_ends(*args: str, **variables: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([SHARDKIT, *args], capture_output=True, text=True, check=False, env=variables or None)


@pytest.mark.parametrize("flag", ["-h", "--help"])
def test_help_is_an_answer(flag: str) -> None:
    ended = shardkit_ends(flag)

    assert (ended.returncode, ended.stderr) == (0, "")
    assert ended.stdout.startswith("Usage: shardkit [OPTIONS] COMMAND")
    assert "Pack once, train at memory speed, never lose a sample." in ended.stdout


def test_version() -> None:
    ended = shardkit_ends("--version")

    assert (ended.returncode, ended.stdout) == (0, f"shardkit, version {shardkit.__version__}\n")


def test_no_command_is_a_mistake_that_shows_the_help() -> None:
    ended = shardkit_ends()

    assert (ended.returncode, ended.stdout) == (2, "")
    assert ended.stderr.startswith("Usage: shardkit [OPTIONS] COMMAND")


@pytest.mark.parametrize(
    ("args", "sentence"),
    [
        (
            ["completio", "bash"],
            "There is no command 'completio'. Did you mean completion? `shardkit --help` lists all",
        ),
        (["swim"], "There is no command 'swim'. `shardkit --help` lists all of them."),
        (["--verison"], "There is no option --verison. Did you mean --version? `shardkit --help` lists all of them."),
    ],
)
def test_a_mistake_is_a_sentence_and_exit_code_2(args: list[str], sentence: str) -> None:
    ended = shardkit_ends(*args)

    assert (ended.returncode, ended.stdout) == (2, "")
    assert ended.stderr.startswith(f"Error: {sentence}")
    assert len(ended.stderr.splitlines()) == 1


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_a_shell_accepts_its_completion_script(shell: str) -> None:
    script = shardkit_ends("completion", shell).stdout
    assert "_SHARDKIT_COMPLETE" in script

    program = shutil.which(shell)
    if program is None:
        pytest.skip(f"{shell} is not installed")
    ended = subprocess.run([program, "-n"], input=script, capture_output=True, text=True, check=False)
    assert (ended.returncode, ended.stderr) == (0, "")


def test_commands_and_arguments_are_completed() -> None:
    def completed(words: str) -> str:
        last = str(len(words.split(" ")) - 1)
        return shardkit_ends(_SHARDKIT_COMPLETE="bash_complete", COMP_WORDS=words, COMP_CWORD=last).stdout

    assert completed("shardkit comp") == "plain,completion\n"
    assert completed("shardkit completion z") == "plain,zsh\n"


def test_an_answer_that_cannot_be_written_is_one_sentence() -> None:
    with Path("/dev/full").open("w") as full:
        ended = subprocess.run([SHARDKIT, "--help"], stdout=full, stderr=subprocess.PIPE, text=True, check=False)

    assert ended.returncode == 6
    assert ended.stderr.startswith("Error: /dev/stdout: no space left")
    assert len(ended.stderr.splitlines()) == 1


def test_a_reader_that_leaves_early_is_no_error() -> None:
    ended = subprocess.run([f"{SHARDKIT} --help | true"], shell=True, capture_output=True, text=True, check=True)  # noqa: S602 - a pipe is the point

    assert ended.stderr == ""
