"""Whether the options of a command that a document shows are there, without running it."""

import re
from collections.abc import Iterator
from pathlib import Path

import click

from shardkit.cli.main import shardkit
from trainer.__main__ import COMMANDS
from trainer.config.schema import Config
from trainer.config.settings import values_of

_REFERENCE = (Path(__file__).parents[2] / "docs/trainer-cli.md").read_text()
"""Held to the commands by tests/test_cli_documents.py."""
_OPTION = re.compile(r"--[a-z][a-z0-9_.-]*")
_FLAGS = {f"--{name}" for name in values_of(Config())} | {"--config", "--profile"}


def unknown(line: str) -> Iterator[str]:
    """What the line names and the commands do not have; a line may hold several of them."""
    for part in re.split(r"&&|\|\|?|;", line.partition(" # ")[0]):
        words = part.split()
        if words and words[0].rpartition("/")[2] == "shardkit":
            yield from _of_shardkit(words[1:])
        elif "trainer" in words and words[words.index("trainer") - 1] == "-m":
            yield from _of_trainer(words[words.index("trainer") + 1 :])


def _of_shardkit(words: list[str]) -> Iterator[str]:
    name = words[0] if words else ""
    if name in {"COMMAND", "--help", "--version", "…"}:
        return
    command = shardkit.get_command(click.Context(shardkit), name)
    if command is None:
        yield f"shardkit {name}"
        return
    known = {option for each in command.params for option in (*each.opts, *each.secondary_opts)} | {"--help"}
    yield from (f"shardkit {name} {each}" for each in _options(words) if each not in known)


def _of_trainer(words: list[str]) -> Iterator[str]:
    name = words[0] if words and not words[0].startswith(("-", "[")) else "train"
    if name in {"COMMAND", "…"}:
        return
    if name not in COMMANDS:
        yield f"trainer {name}"
        return
    own = set(_OPTION.findall(_section(name)))
    yield from (f"trainer {name} {each}" for each in _options(words) if each not in _FLAGS | own | {"--help"})


def _section(name: str) -> str:
    _, found, rest = _REFERENCE.partition(f"\n## {name}\n")
    return rest.partition("\n## ")[0] if found else ""


def _options(words: list[str]) -> list[str]:
    return [option for word in words for option in _OPTION.findall(word) if word.lstrip("[").startswith("--")]
