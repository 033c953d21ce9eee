"""A command ends with one sentence and the exit code of the contract."""

import errno
import signal
import subprocess
import sys
from collections.abc import Iterator

import click
import pytest

from shardkit import errors
from shardkit.cli.errors import TRAINER_COMMANDS, run_command
from tests.commands import ran
from trainer.__main__ import COMMANDS

CASES = [
    ("pakc", "There is no command 'pakc'. Did you mean pack?"),
    ("swim", "There is no command 'swim'. `"),
    ("pack a b --codek zstd", "There is no option --codek. Did you mean --codec?"),
    ("pack a b --codek=zstd", "There is no option --codek. Did you mean --codec?"),
    ("pack a b --colour gray", "There is no option --colour. Did you mean --color?"),
    ("pack a b --xyzzy", "There is no option --xyzzy. `"),
    ("--json", "There is no option --json in front of a command. `"),
    ("completion --hepl", "There is no option --hepl. Did you mean --help?"),
    ("pack a b --codec zsdt", "'zsdt' is none of png, zstd, lz4, raw, auto. Did you mean zstd?"),
    ("pack a b --fit padd", "'padd' is none of pad, crop, stretch. Did you mean pad?"),
    ("order a --sampler pairz", "Did you mean pairs?"),
    ("completion csh", "'csh' is none of bash, zsh, fish."),
    ("pack a b --codec", "--codec needs a value: --codec png|zstd|lz4|raw|auto."),
    ("pack a b --dry-run=3", "--dry-run takes no value."),
    ("pack a b c", "'c' is one word too many."),
    ("pack", "SRC is missing: "),
    ("remove a", "--subject S or --group G is missing: name what to remove."),
    ("pack a b --folds 1", "'1' is no whole number from 2 to 1,000."),
    ("pack a b --workers many", "'many' is no whole number from 1 to 1,024."),
    ("bench a --seconds nan", "'nan' is no number from 0.01 to 3,600."),
    ("order a --epoch -1", "'-1' is no whole number from 0 on."),
    ("verify a --quick --decode", "--quick and --decode exclude each other: choose one."),
]


@pytest.mark.parametrize(("words", "says"), CASES, ids=[words for words, _ in CASES])
def test_a_mistake_is_one_sentence_that_helps(words: str, says: str) -> None:
    ended = ran(*words.split())

    assert (ended.code, ended.stdout, len(ended.stderr.splitlines())) == (2, "", 1)
    assert says in ended.error
    assert "--help` " in ended.error


@pytest.mark.parametrize("name", TRAINER_COMMANDS)
def test_who_looks_for_the_trainer_is_told_where_it_is(name: str) -> None:
    ended = ran(name, "--config", "demo")

    called = "python -m trainer" if name == "train" else f"python -m trainer {name}"
    assert (ended.code, ended.error) == (2, f"Error: {name} is a command of the trainer: `{called} --help`.")


def test_the_trainers_commands_are_known() -> None:
    assert {*TRAINER_COMMANDS} == {*COMMANDS} - {"doctor"}


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
