"""From a command line to a config: the defaults, a file or recipe over them, and flags over both."""

import sys
from collections.abc import Sequence
from pathlib import Path

from trainer.config.file import values_in
from trainer.config.flags import flagged, help_text
from trainer.config.meant import meant
from trainer.config.sections import Config
from trainer.config.settings import with_values
from trainer.errors import UsageError

RECIPES = Path(__file__).parents[1] / "recipes"
PROFILED = "20"
"""Steps that `--profile` traces."""


def loaded(arguments: Sequence[str]) -> Config:
    if {"-h", "--help"} & set(arguments):
        sys.stdout.write(help_text(recipe_names()))
        sys.exit(0)
    for word in arguments:
        _refuse_no_text(word)
    file, flags = _without_config(arguments)
    config = with_values(Config(), values_in(_found(file))) if file else Config()
    return flagged(config, _long(flags))


def recipe_names() -> list[str]:
    return sorted(each.stem for each in RECIPES.glob("*.toml"))


def _without_config(arguments: Sequence[str]) -> tuple[str, list[str]]:
    """What follows `--config`, and everything else."""
    files, others = [], []
    words = iter(arguments)
    for word in words:
        if word == "--config":
            files.append(next(words, ""))
        elif word.startswith("--config="):
            files.append(word.removeprefix("--config="))
        else:
            others.append(word)
    if len(files) > 1 or "" in files or any(each.startswith("--") for each in files):
        raise UsageError(f"--config names one file or one recipe ({', '.join(recipe_names())}).")
    return "".join(files), others


def _refuse_no_text(word: str) -> None:
    """The config is recorded as a text, which a name of other bytes has no place in."""
    try:
        word.encode()
    except UnicodeEncodeError:
        raise UsageError(f"{word!r} is no UTF-8. Rename the file or folder, or link to it by another name.") from None


def _found(name: str) -> Path:
    """The file of this name; else the recipe: a folder `demo` is what `make demo` leaves, and no config."""
    if Path(name).exists() and not Path(name).is_dir():
        return Path(name)
    if (recipe := name.removesuffix(".toml")) in recipe_names():
        return RECIPES / f"{recipe}.toml"
    there = ", ".join(recipe_names())
    raise UsageError(f"--config: there is no file {name}, and the recipes are {there}.{meant(recipe, recipe_names())}")


def _long(words: Sequence[str]) -> list[str]:
    """`--profile`, with a number or without, is short for `--log.profile`."""
    long: list[str] = []
    for word, after in zip(words, [*words[1:], "--"], strict=False):
        name, equals, value = word.partition("=")
        if name != "--profile":
            long.append(word)
        elif equals:
            long.append(f"--log.profile={value}")
        else:
            long += ["--log.profile"] if not after.startswith("--") else ["--log.profile", PROFILED]
    return long
