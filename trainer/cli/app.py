"""Support for all commands: argument parsers, exit codes, error messages, and Ctrl-C while torch is imported.

Every mistake ends with one message instead of a traceback. Importing torch takes seconds; a KeyboardInterrupt in it
could be swallowed or end in a traceback, and nothing has started yet, so the process prints one line and exits.
"""

import os
import signal
import sys
import threading
import traceback
from argparse import ArgumentParser, Namespace, RawDescriptionHelpFormatter
from collections.abc import Callable, Sequence
from importlib import import_module
from textwrap import fill
from types import FrameType

from shardkit import ShardkitError
from trainer.config.flags import help_width
from trainer.config.settings import suggest
from trainer.errors import UsageError

EXIT_INTERRUPTED = 130

_NOTHING = "Interrupted before anything was begun. The same command starts it.\n"


def import_torch() -> None:
    if "torch" in sys.modules or threading.current_thread() is not threading.main_thread():
        return
    before = signal.signal(signal.SIGINT, _leave)
    try:
        import_module("torch")
    finally:
        signal.signal(signal.SIGINT, before)


def _leave(_number: int, _frame: FrameType | None) -> None:
    os.write(2, _NOTHING.encode())  # not through sys.stderr, which may be in the middle of a line
    os._exit(EXIT_INTERRUPTED)


EXIT_FAILED = 1

_OF_SHARDKIT = {
    *("pack", "merge", "index", "append", "remove", "verify", "repair"),
    *("info", "ls", "cat", "order", "unpack", "bench", "completion"),
}
"""Commands that people look for here."""

_PEER_ERRORS = ("gloo", "nccl", "connection closed by peer", "connection reset by peer", "broken pipe")

_OF_MEMORY = "DefaultCPUAllocator"

_OUT_OF_MEMORY = (
    "{whose} memory is full: {error}\nTry, in this order: half of data.micro_batch; system.activation_checkpoint = "
    "true; fewer data.threads. The first two are part of the run's identity, so they need another --run.folder. "
    "`python -m trainer doctor --config …` finds the largest micro-batch that fits a GPU."
)

_PEER_LOST = (
    "Another rank of this job died, left or could not be reached, so this one ends, too ({error}). The rank that "
    "failed first says why. The same command goes on from the last checkpoint."
)

_INTERRUPTED_TEXT = (
    "Interrupted, without another checkpoint. The same command starts it again; a run goes on from its last one."
)


def run_command(command: Callable[[], int]) -> int:
    import_torch()
    import torch  # noqa: PLC0415 - not before somebody listens to Ctrl-C

    try:
        return _read(command)
    except ShardkitError as error:
        return _print_error(str(error), error.exit_code)
    except KeyboardInterrupt:
        return _print_error(_INTERRUPTED_TEXT, EXIT_INTERRUPTED)
    except torch.OutOfMemoryError as error:
        return _print_error(_OUT_OF_MEMORY.format(whose="The GPU's", error=_first_line(error)), EXIT_FAILED)
    except MemoryError as error:
        return _print_error(_OUT_OF_MEMORY.format(whose="This machine's", error=_first_line(error)), EXIT_FAILED)
    except RuntimeError as error:
        return _of_runtime(error)


def unknown_command(name: str, there: Sequence[str]) -> UsageError:
    if name in _OF_SHARDKIT:
        return UsageError(f"{name} is a command of shardkit: `shardkit {name} --help`.")
    near = suggest(name, there) or (f" Did you mean --config {name}?" if name.endswith(".toml") else "")
    listed = f"The commands are {', '.join(there)}. `python -m trainer --help` tells more."
    return UsageError(f"There is no command {name!r}.{near} {listed}")


def _read(command: Callable[[], int]) -> int:
    """`| head` that has read enough is no error."""
    try:
        code = command()
        sys.stdout.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # Python flushes once more when it ends
        return 0
    return code


def _of_runtime(error: RuntimeError) -> int:
    from torch import distributed as dist  # noqa: PLC0415 - as above

    text = str(error)
    if _OF_MEMORY in text:
        return _print_error(_OUT_OF_MEMORY.format(whose="This machine's", error=_first_line(error)), EXIT_FAILED)
    if not isinstance(error, dist.DistError) and not any(each in text.lower() for each in _PEER_ERRORS):
        raise error
    traceback.print_exception(error)  # where this rank stood
    return _print_error(_PEER_LOST.format(error=_first_line(error)), EXIT_FAILED)


def _print_error(message: str, code: int) -> int:
    sys.stderr.write(f"{message}\n")
    return code


def _first_line(error: BaseException) -> str:
    return str(error).splitlines()[0] if str(error) else type(error).__name__


_FLAGS = "Any --section.field VALUE of the config can follow: `python -m trainer --help` lists them."


class _Formatter(RawDescriptionHelpFormatter):
    """Sentences are folded, examples stay on their lines."""

    def __init__(self, prog: str) -> None:
        super().__init__(prog, width=help_width())

    def _fill_text(self, text: str, width: int, indent: str) -> str:
        lines = text.splitlines()
        return "\n".join(indent + line if line.startswith(" ") else fill(line, width) for line in lines)


class Parser(ArgumentParser):
    def error(self, message: str) -> None:  # type: ignore[override]  # it never returns
        raise UsageError(f"{self.prog}: {message}. `{self.prog} --help` shows what it takes.")


def make_parser(command: str, description: str, *examples: str) -> Parser:
    shown = "".join(f"  python -m trainer {command} {each}\n" for each in examples)
    return Parser(
        f"python -m trainer {command}",
        description=description,
        epilog=f"examples:\n{shown}\n{_FLAGS}" if examples else _FLAGS,
        formatter_class=_Formatter,
        allow_abbrev=False,
    )


def make_config_parser(command: str, description: str, *examples: str) -> Parser:
    """Of a command that is given a config as training is, and no run folder."""
    parser = make_parser(command, description, *examples)
    parser.usage = f"python -m trainer {command} [-h] --config FILE [--section.field VALUE …]"
    return parser


def parse_arguments(parser: Parser, arguments: Sequence[str]) -> tuple[Namespace, list[str]]:
    """The command's own, and the flags of the config."""
    words, rest = parser.parse_known_args(list(arguments))
    if rest and not rest[0].startswith("--"):
        parser.error(f"{rest[0]!r} is one word too many")
    for flag in rest:
        _check_own_flags(parser, flag.partition("=")[0])
    return words, rest


def _check_own_flags(parser: Parser, flag: str) -> None:
    """Flags of the config have a dot, but for two."""
    if not flag.startswith("--") or "." in flag or flag in {"--", "--config", "--profile"}:
        return
    own = [each for action in parser._actions for each in action.option_strings if each.startswith("--")]  # noqa: SLF001 - argparse tells it nowhere else
    if near := suggest(flag, own):
        raise UsageError(f"{parser.prog}: there is no flag {flag}.{near} `{parser.prog} --help` lists all of them.")
