"""Command-line flags for every setting, `--section.key value`, and their help text. tyro parses them.

tyro reports a mistake as a box. When it refuses the command line, each flag is therefore tried separately, and the
wrong one is reported in one sentence, like a mistake in a file.
"""

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, redirect_stderr, redirect_stdout, suppress
from dataclasses import dataclass
from io import StringIO
from shutil import get_terminal_size
from textwrap import fill

import tyro
from tyro.constructors import ConstructorRegistry, PrimitiveConstructorSpec, PrimitiveTypeInfo

from trainer.config.schema import Config
from trainer.config.settings import choices_of, describe_type, settings, suggest, suggest_setting
from trainer.errors import UsageError

_WIDEST = 100


def help_width() -> int:
    """One column stays free, and nobody likes to read longer lines."""
    return max(40, min(get_terminal_size().columns - 1, _WIDEST))


PROGRAM = "python -m trainer"

_HEAD = """\
Train:    python -m trainer --config run.toml [--section.key value …]
Ranks:    torchrun --standalone --nproc_per_node=N -m trainer --config run.toml
Resume:   the same command again
Commands: python -m trainer COMMAND --help
          evaluate, embed, overfit, plan, doctor, replay, prove
Data:     shardkit --help

--config   a TOML file with the sections below, or a recipe by its name:
{recipes}
--profile  traces 20 steps, or as many as it is given: short for --log.profile
A flag is stronger than the file. Several values follow one flag:
           --augment.crop 160 128

Exit codes
    0  done                       5  the run folder belongs to another job,
    1  diverged, a rank lost,        dataset or config
       or an error of ours        6  no space for a checkpoint
    2  the command or config      7  the storage is failing
       cannot be meant so       130  stopped by Ctrl-C, everything saved
    4  bytes are damaged        143  stopped by SIGTERM, everything saved

"""

_REGISTRY = ConstructorRegistry()

_SPOKEN = {"true": True, "false": False}


@dataclass(frozen=True)
class Flag:
    """A flag as it was typed, with the words that follow it."""

    name: str
    words: tuple[str, ...]
    """Itself, and what came behind it."""


def apply_flags(config: Config, words: Sequence[str]) -> Config:
    """The config with what the flags say."""
    flags = parse_flags(words)
    for flag in flags:
        _check_known(flag)
    if not flags:
        return config
    try:
        return _parse_config(config, [word for flag in flags for word in flag.words])
    except SystemExit:
        raise _refusal(config, flags) from None


def help_text(recipes: Sequence[str]) -> str:
    width = help_width()
    with _columns(width), redirect_stdout(StringIO()) as said, suppress(SystemExit):
        _cli(Config(), ["--help"])
    _, _, options = said.getvalue().partition("\n\n")  # behind tyro's own line about usage
    lines = [line.rstrip() for line in options.splitlines()]
    named = fill(", ".join(recipes), width, initial_indent=" " * 11, subsequent_indent=" " * 11, break_on_hyphens=False)
    return _HEAD.format(recipes=named) + "\n".join(lines) + "\n"


@contextmanager
def _columns(width: int) -> Iterator[None]:
    """Tyro asks the environment alone; in more columns than these it would put sections beside each other."""
    before = os.environ.get("COLUMNS")
    os.environ["COLUMNS"] = str(width)
    try:
        yield
    finally:
        os.environ.pop("COLUMNS")
        if before is not None:
            os.environ["COLUMNS"] = before


def parse_flags(words: Sequence[str]) -> list[Flag]:
    flags: list[Flag] = []
    for word in words:
        if word.startswith("--"):
            name, equals, value = word.partition("=")
            name = name.replace("-", "_").replace("__", "--", 1)
            flags.append(Flag(name, (name + equals + value,)))
        elif flags:
            flags[-1] = Flag(flags[-1].name, (*flags[-1].words, word))
        else:
            raise UsageError(
                f"{word!r} follows no flag. Write --section.key {word}; `{PROGRAM} --help` lists all flags."
            )
    return flags


def _check_known(flag: Flag) -> None:
    name = flag.name.removeprefix("--")
    if name not in settings():
        raise UsageError(
            f"There is no flag {flag.name}.{suggest_setting(name, before='--')} `{PROGRAM} --help` lists all of them."
        )


def _refusal(config: Config, flags: Sequence[Flag]) -> UsageError:
    flag = next((each for each in flags if not _can_parse(config, each)), flags[-1])
    kind = settings()[flag.name.removeprefix("--")].kind
    must_be = describe_type(kind).removesuffix(" in quotes").replace("a list of", "some")
    given = " ".join(flag.words).removeprefix(flag.name)[1:]
    if flag.words == (flag.name,):
        return UsageError(f"{flag.name} has no value: it must be {must_be}.")
    return UsageError(f"{flag.name} must be {must_be}, and it is {given!r}.{suggest(given, choices_of(kind))}")


def _can_parse(config: Config, flag: Flag) -> bool:
    try:
        _parse_config(config, flag.words)
    except SystemExit:
        return False
    return True


def _parse_config(config: Config, words: Sequence[str]) -> Config:
    with redirect_stderr(StringIO()):
        return _cli(config, words)


def _cli(config: Config, words: Sequence[str]) -> Config:
    options = (tyro.conf.FlagConversionOff,)
    return tyro.cli(
        Config, prog=PROGRAM, args=words, default=config, use_underscores=True, config=options, registry=_REGISTRY
    )


@_REGISTRY.primitive_rule
def _truth(info: PrimitiveTypeInfo) -> PrimitiveConstructorSpec[bool] | None:
    """Truth is spelt as in TOML."""
    if info.type is not bool:
        return None
    return PrimitiveConstructorSpec(
        nargs=1,
        metavar="{true,false}",
        instance_from_str=_spoken,
        is_instance=lambda each: isinstance(each, bool),
        str_from_instance=lambda each: [str(each).lower()],
    )


def _spoken(words: list[str]) -> bool:
    if words[0].lower() not in _SPOKEN:
        raise ValueError
    return _SPOKEN[words[0].lower()]
