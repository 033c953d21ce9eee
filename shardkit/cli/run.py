"""Running a command so that it ends as the contract says: one sentence on stderr and the right exit code."""

import os
import signal
import sys
from pathlib import Path
from types import FrameType

import click

from shardkit.cli.console import forget, say
from shardkit.cli.mistakes import told
from shardkit.cli.paint import refused
from shardkit.errors import Interrupted, ShardkitError
from shardkit.format.refusal import FAILING, explanation

_STDOUT = Path("/dev/stdout")


def run(command: click.Command, args: list[str] | None = None) -> int:
    """Run `command` and return its exit code; an internal error alone shows a traceback, since it is ours to mend."""
    for signum in (signal.SIGINT, signal.SIGTERM):
        signal.signal(signum, _interrupt)
    try:
        result = command.main(args, standalone_mode=False, color=False if refused() else None)
    except click.exceptions.NoArgsIsHelpError as error:
        error.show()
        return error.exit_code
    except click.ClickException as error:
        return _ended(told(error), error.exit_code)
    except ShardkitError as error:
        return _ended(str(error), error.exit_code)
    except Interrupted as error:
        if sys.stderr.isatty():
            say("")  # behind the ^C that a terminal shows
        return _ended(f"{error}. Run the same command again; what is whole is kept.", error.exit_code)
    except OSError as error:
        explained = explanation(error, file := _file_of(error))
        if explained is None:
            raise
        if file == _STDOUT:
            forget(sys.stdout)
        return _ended(str(explained), explained.exit_code)
    # `--help` and `--version` come back as click's exit code, a command as None.
    return result if isinstance(result, int) else 0


def _file_of(error: OSError) -> Path:
    """The file that an error is about; pyarrow names none that it fails to read; what is written is the answer."""
    unnamed = _STDOUT if error.errno not in FAILING else Path("a file that the system does not name")
    return Path(os.fsdecode(error.filename)) if error.filename else unnamed


def _ended(message: str, exit_code: int) -> int:
    say(f"Error: {message}")
    return exit_code


def _interrupt(signum: int, _frame: FrameType | None) -> None:
    # Once is enough: impatience must not break the tidying up that the first signal began.
    for each in (signal.SIGINT, signal.SIGTERM):
        signal.signal(each, signal.SIG_IGN)
    raise Interrupted(signum)
