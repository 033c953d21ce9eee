"""A command ends with one sentence and the exit code of the contract."""

import errno
import signal
import subprocess
import sys
from collections.abc import Iterator

import click
import pytest

from shardkit import errors
from shardkit.cli.errors import run_command

SIGNALS = (signal.SIGINT, signal.SIGTERM)


@pytest.fixture(autouse=True)
def _handlers_as_before() -> Iterator[None]:
    before = {each: signal.getsignal(each) for each in SIGNALS}
    yield
    for each, handler in before.items():
        signal.signal(each, handler)


def raising(error: BaseException) -> click.Command:
    @click.command
    def command() -> None:
        raise error

    return command


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (errors.ShardkitError("what happened"), 1),
        (errors.UsageError("what happened"), 2),
        (errors.Mismatch("what happened"), 5),
        (errors.Locked("what happened"), 5),
        (errors.NoSpace("what happened"), 6),
        (errors.StorageFailing("what happened"), 7),
        (click.ClickException("what happened"), 1),
    ],
    ids=lambda value: type(value).__name__,
)
def test_an_error_is_one_sentence_and_its_code(capsys: pytest.CaptureFixture[str], error: Exception, code: int) -> None:
    assert run_command(raising(error), []) == code
    assert capsys.readouterr() == ("", "Error: what happened\n")


def test_an_error_without_a_file_is_not_one_of_the_answer(capsys: pytest.CaptureFixture[str]) -> None:
    """As pyarrow raises it: it knows no names."""
    error = OSError(errno.EIO, "Error reading bytes from file")

    assert run_command(raising(error), []) == errors.StorageFailing.exit_code
    said = capsys.readouterr().err
    assert said.startswith("Error: a file that the system does not name: the disk reports «Input/output error»")


def test_an_error_of_ours_keeps_its_traceback() -> None:
    with pytest.raises(ZeroDivisionError):
        run_command(raising(ZeroDivisionError()), [])


@pytest.mark.parametrize(("outcome", "code"), [(None, 0), (3, 3), ("text", 0)])
def test_a_command_may_return_its_exit_code(outcome: object, code: int) -> None:
    assert run_command(click.command(lambda: outcome), []) == code


def test_a_command_may_exit_in_the_middle() -> None:
    @click.command
    @click.pass_context
    def command(context: click.Context) -> None:
        context.exit(4)

    assert run_command(command, []) == 4


INTERRUPTIBLE = """
import sys, click
from shardkit.cli.errors import run_command

def line(text):
    print(text, flush=True)
    return sys.stdin.readline()

@click.command
def command():
    try:
        line("working")
    finally:
        line("tidying")
        line("tidied")

sys.exit(run_command(command, []))
"""


@pytest.mark.parametrize(("signum", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
@pytest.mark.parametrize("impatient", SIGNALS)
def test_a_signal_ends_with_its_code_and_a_second_one_lets_it_tidy_up(
    signum: signal.Signals, code: int, impatient: signal.Signals
) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", INTERRUPTIBLE],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "working\n"
        process.send_signal(signum)
        assert process.stdout.readline() == "tidying\n"
        process.send_signal(impatient)
        stdout, stderr = process.communicate("go on\ngo on\n")

    assert (process.returncode, stdout) == (code, "tidied\n")
    assert stderr == f"Error: interrupted by {signum.name}. Run the same command again; what is whole is kept.\n"
