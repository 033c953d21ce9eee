"""What was typed and cannot be meant: one sentence, what was probably meant, which help to ask, and exit code 2."""

import pytest

from shardkit.cli.errors import TRAINER_COMMANDS
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
