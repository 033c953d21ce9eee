"""docs/trainer-cli.md: the trainer's commands as they explain themselves, and each setting with its default."""

import ast
import inspect
import os
from collections.abc import Iterator
from contextlib import redirect_stdout, suppress
from importlib import import_module
from io import StringIO
from itertools import pairwise
from typing import Any
from unittest.mock import patch

from trainer.__main__ import COMMANDS
from trainer.config import schema
from trainer.config.files import recipe_names
from trainer.config.schema import Config
from trainer.config.settings import Setting, describe_type, section_names, settings, values_of

_HEAD = """# Commands and settings of the trainer

```text
python -m trainer [train] --config FILE [--section.field VALUE …]
torchrun --standalone --nproc_per_node=N -m trainer --config FILE [--section.field VALUE …]
python -m trainer COMMAND …
```

`--config` is a TOML file with the sections below, or a recipe by its name: {recipes}.

A flag is stronger than the file; several values follow one flag (`--augment.crop 160 128`). `--profile` is short for
`--log.profile 20`. The same command on the same `run.folder` goes on where it stopped. What it does is told in
[training](training.md), how it ends in [exit codes](exit-codes.md).
"""
_SETTINGS = """## Settings

A setting marked • decides the weights: a run that goes on refuses another value. The others may change from start to
start.
"""


def page(width: int) -> Iterator[str]:
    yield _HEAD.format(recipes=", ".join(f"`{each}`" for each in recipe_names()))
    for name in COMMANDS[1:]:  # without `train`, which the head is about
        yield f"## {name}\n\n```text\n{help_of(name, width)}\n```\n"
    yield _SETTINGS
    for section in section_names():
        yield f"### {section}\n\n| | default | may be | |\n|---|---|---|---|"
        yield "\n".join(_line(each) for each in settings().values() if each.section == section) + "\n"


def help_of(command: str, width: int) -> str:
    """What a command prints: argparse asks the environment how wide that may be."""
    with patch.dict(os.environ, COLUMNS=str(width + 2)), redirect_stdout(StringIO()) as said, suppress(SystemExit):
        import_module(f"trainer.cli.{command}").main(["--help"])
    return said.getvalue().strip()


def _line(each: Setting) -> str:
    told = _texts()[each.section][each.key].replace("\n", " ").replace("|", "\\|")
    cells = [
        f"{'• ' if each.identity else ''}`{each.name}`",
        _shown(values_of(Config())[each.name]),
        describe_type(each.kind),
        told,
    ]
    return f"| {' | '.join(cells)} |"


def _shown(value: Any) -> str:  # noqa: ANN401 - of any setting
    if isinstance(value, tuple):
        return " ".join(map(str, value)) or "none"
    return str(value).lower() if isinstance(value, bool) else str(value) or '""'


def _texts() -> dict[str, dict[str, str]]:
    """The text below each field, by section."""
    classes = {each.name: each for each in ast.parse(inspect.getsource(schema)).body if isinstance(each, ast.ClassDef)}
    of_section = {name: type(getattr(Config(), name)).__name__ for name in section_names()}
    return {name: dict.fromkeys(_keys(name), "") | dict(_told(classes[kind])) for name, kind in of_section.items()}


def _keys(section: str) -> list[str]:
    return [each.key for each in settings().values() if each.section == section]


def _told(section: ast.ClassDef) -> Iterator[tuple[str, str]]:
    for field, below in pairwise(section.body):
        match field, below:
            case ast.AnnAssign(target=ast.Name(id=key)), ast.Expr(value=ast.Constant(value=str(text))):
                yield key, " ".join(inspect.cleandoc(text).split())
