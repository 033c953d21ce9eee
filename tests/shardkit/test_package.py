"""The façade: every public name resolves, and naming the package costs next to nothing."""

import ast
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest

import shardkit

HEAVY = {"numpy", "torch", "cv2", "rich", "pyarrow", "PIL", "hypothesis"}


def test_every_public_name_resolves_in_its_home() -> None:
    for name, home in shardkit._HOMES.items():  # noqa: SLF001 - the table is what is tested
        assert getattr(shardkit, name) is getattr(import_module(home), name)


def test_the_public_names_are_the_table_and_nothing_else() -> None:
    assert sorted([*shardkit._HOMES, "__version__"]) == sorted(shardkit.__all__) == dir(shardkit)  # noqa: SLF001


def test_type_checkers_are_told_the_same_homes() -> None:
    tree = ast.parse(Path(shardkit.__file__).read_bytes())
    guarded = next(node for node in tree.body if isinstance(node, ast.If)).body
    told = {each.name: node.module for node in guarded if isinstance(node, ast.ImportFrom) for each in node.names}

    assert told == shardkit._HOMES  # noqa: SLF001


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="'shardkit' has no attribute 'Streem'"):
        _ = shardkit.Streem


HELP = (
    "from shardkit.cli.main import shardkit; from shardkit.cli.errors import run_command; "
    "run_command(shardkit, ['--help'])"
)


@pytest.mark.parametrize("code", ["import shardkit", HELP], ids=["import", "help"])
def test_nothing_heavy_is_imported(code: str) -> None:
    watch = "import atexit, sys; atexit.register(lambda: sys.stderr.write(' '.join(sys.modules)))\n"

    ended = subprocess.run([sys.executable, "-c", watch + code], capture_output=True, text=True, check=True)

    modules = set(ended.stderr.split())
    assert "shardkit" in modules
    assert modules & HEAVY == set()
