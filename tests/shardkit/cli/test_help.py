"""Every help fits its terminal, stands under headings, and has examples that the command itself understands."""

import re
import shlex
import subprocess
import sys

import click
import pytest
from click.testing import CliRunner

from shardkit.cli.help import Command
from shardkit.cli.main import shardkit

assert isinstance(shardkit, click.Group)
NAMES = [*shardkit.commands]


def command_of(name: str) -> Command:
    assert isinstance(shardkit, click.Group)
    command = shardkit.get_command(click.Context(shardkit), name)
    assert isinstance(command, Command)
    return command


def help_of(*words: str, columns: int = 80) -> str:
    asked = CliRunner().invoke(shardkit, [*words, "--help"], env={"COLUMNS": str(columns)}, prog_name="shardkit")
    assert asked.exit_code == 0
    return asked.stdout


@pytest.mark.parametrize("columns", [80, 140])
@pytest.mark.parametrize("words", [[], *([name] for name in NAMES)], ids=str)
def test_help_fits_its_terminal(words: list[str], columns: int) -> None:
    text = help_of(*words, columns=columns)

    assert max(map(len, text.splitlines())) <= min(columns - 1, 101)
    assert not re.search(r"<=x|INTEGER|FLOAT|RANGE| TEXT\b|-- PATH", text)


@pytest.mark.parametrize("name", NAMES)
def test_examples_are_what_the_command_takes(name: str) -> None:
    command = command_of(name)

    assert command.examples
    for example in command.examples:
        assert example in help_of(name)
        program, called, *words = shlex.split(re.split(r" (?:>>?|\|) ", example)[0])
        assert (program, called) == ("shardkit", name)
        command.make_context(name, words)


@pytest.mark.parametrize("name", NAMES)
def test_every_option_says_what_it_is_and_once(name: str) -> None:
    text, command = help_of(name), command_of(name)
    options = [each for each in command.get_params(click.Context(command)) if isinstance(each, click.Option)]

    assert [each.name for each in options if not each.help or each.help.startswith("[")] == []
    assert all(len(re.findall(rf"^  (?:-h, )?{each.opts[-1]}(?= |$)", text, re.MULTILINE)) == 1 for each in options)


def test_options_stand_under_headings() -> None:
    text = help_of("pack")
    headings = ["What is packed", "Splits", "Pixels", "Shards and work", "Output", "Examples", "Exit codes"]

    assert [text.index(f"\n{each}:\n") for each in headings] == sorted(text.index(f"\n{each}:\n") for each in headings)
    assert text.index("\nPixels:") < text.index("--codec png|zstd|lz4|raw|auto") < text.index("\nShards and work:")
    assert "  130  stopped by Ctrl-C" in text


def test_the_first_help_names_the_first_steps_and_the_trainer() -> None:
    text = help_of()

    assert "\nFirst steps:\n  shardkit pack SRC DST --dry-run" in text
    assert "python -m trainer --help" in text
    assert "docs/README.md" in text


def test_the_package_runs_as_a_module() -> None:
    ended = subprocess.run([sys.executable, "-m", "shardkit", "pakc"], capture_output=True, text=True, check=False)

    said = "Error: There is no command 'pakc'. Did you mean pack? `python -m shardkit --help` lists all of them.\n"
    assert (ended.returncode, ended.stdout, ended.stderr) == (2, "", said)
