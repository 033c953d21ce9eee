"""Error messages and exit codes of the command line.

First the message for each usage error of click, in one sentence: what is wrong, what was probably intended, and which
help to read. Then `run`, which runs a command and turns its outcome, errors and signals into an exit code.
"""

import os
import signal
import sys
from pathlib import Path
from types import FrameType

import click

from shardkit.cli.console import is_color_disabled, say, silence
from shardkit.errors import Interrupted, ShardkitError, suggest_word
from shardkit.storage.errors import FAILING_ERRNOS, explain_os_error

TRAINER_COMMANDS = ("train", "evaluate", "embed", "overfit", "plan", "replay", "prove")
"""Commands that people look for here, and that are the trainer's."""


def usage_message(error: click.ClickException) -> str:
    context = error.ctx if isinstance(error, click.UsageError) else None
    path = context.command_path if context else ""
    shows = (
        "lists all of them" if isinstance(error, click.NoSuchOption | click.NoSuchCommand) else "shows what it takes"
    )
    wrong = _wrong(error)
    return wrong if not path or "--help`" in wrong else f"{wrong} `{path} --help` {shows}."


def _wrong(error: click.ClickException) -> str:
    if isinstance(error, click.NoSuchOption):
        return _no_option(error)
    if isinstance(error, click.NoSuchCommand):
        return _no_command(error)
    if isinstance(error, click.BadOptionUsage) and error.ctx:
        return _no_value(error.option_name, error.ctx) or error.format_message()
    if isinstance(error, click.MissingParameter) and error.ctx and error.param:
        option = f"{error.param.opts[0]} " if isinstance(error.param, click.Option) else ""
        return f"{option}{error.param.make_metavar(error.ctx)} is missing: {_usage(error.ctx)}."
    return error.format_message()


def _no_option(error: click.NoSuchOption) -> str:
    there = _options(error.ctx) if error.ctx else {}
    # Without dashes, which make all of them alike.
    near = suggest_word(error.option_name.lstrip("-"), (name.lstrip("-") for name in there)).replace("mean ", "mean --")
    behind = error.ctx and isinstance(error.ctx.command, click.Group) and not near
    return f"There is no option {error.option_name}{' in front of a command' if behind else ''}.{near}"


def _no_command(error: click.NoSuchCommand) -> str:
    name = error.command_name
    if name in TRAINER_COMMANDS:
        return f"{name} is a command of the trainer: `python -m trainer {'' if name == 'train' else name + ' '}--help`."
    commands = error.ctx.command.commands if error.ctx and isinstance(error.ctx.command, click.Group) else ()
    return f"There is no command {name!r}.{suggest_word(name, commands)}"


def _no_value(name: str, context: click.Context) -> str:
    option = _options(context).get(name)
    if option is None or option.is_flag:
        return f"{name} takes no value." if option else ""
    return f"{name} needs a value: {name} {option.make_metavar(context)}."


def _options(context: click.Context) -> dict[str, click.Option]:
    params = (each for each in context.command.get_params(context) if isinstance(each, click.Option))
    return {name: each for each in params for name in each.opts if name.startswith("--")}


def _usage(context: click.Context) -> str:
    return " ".join((context.command_path, *context.command.collect_usage_pieces(context)))


_STDOUT = Path("/dev/stdout")


def run_command(command: click.Command, args: list[str] | None = None) -> int:
    """Run `command` and return its exit code; an internal error alone shows a traceback, since it is ours to mend."""
    for signum in (signal.SIGINT, signal.SIGTERM):
        signal.signal(signum, _interrupt)
    try:
        result = command.main(args, standalone_mode=False, color=False if is_color_disabled() else None)
    except click.exceptions.NoArgsIsHelpError as error:
        error.show()
        return error.exit_code
    except click.ClickException as error:
        return _exit_with(usage_message(error), error.exit_code)
    except ShardkitError as error:
        return _exit_with(str(error), error.exit_code)
    except Interrupted as error:
        if sys.stderr.isatty():
            say("")  # behind the ^C that a terminal shows
        return _exit_with(f"{error}. Run the same command again; what is whole is kept.", error.exit_code)
    except OSError as error:
        explained = explain_os_error(error, file := _file_of(error))
        if explained is None:
            raise
        if file == _STDOUT:
            silence(sys.stdout)
        return _exit_with(str(explained), explained.exit_code)
    # `--help` and `--version` come back as click's exit code, a command as None.
    return result if isinstance(result, int) else 0


def _file_of(error: OSError) -> Path:
    """The file that an error is about; pyarrow names none that it fails to read; what is written is the answer."""
    unnamed = _STDOUT if error.errno not in FAILING_ERRNOS else Path("a file that the system does not name")
    return Path(os.fsdecode(error.filename)) if error.filename else unnamed


def _exit_with(message: str, exit_code: int) -> int:
    say(f"Error: {message}")
    return exit_code


def _interrupt(signum: int, _frame: FrameType | None) -> None:
    # Once is enough: impatience must not break the tidying up that the first signal began.
    for each in (signal.SIGINT, signal.SIGTERM):
        signal.signal(each, signal.SIG_IGN)
    raise Interrupted(signum)
