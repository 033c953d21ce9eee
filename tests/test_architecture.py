"""The architecture check finds what it must, where it is, and nothing else."""

import subprocess
import sys
from itertools import permutations
from pathlib import Path

import pytest

import architecture
from tests.architecture_cases import ARROWS, BANS, INDIRECT, LOADS, MOVES, PUBLIC
from tests.architecture_near_misses import FINE

ALL = '__all__ = ["StreamingDataset", "__version__", "publish"]\n'

LEAVES = "schema errors parallel"
HOUSE = {
    "cli": f"pack verify stream view reader format image host storage {LEAVES}",
    "pack": f"reader format image host storage {LEAVES}",
    "verify": f"pack reader format image host storage {LEAVES}",
    "stream": f"reader format image host storage {LEAVES}",
    "view": f"reader format image host storage {LEAVES}",
    "reader": f"format image host storage {LEAVES}",
    "format": f"storage {LEAVES}",
    "image": f"storage {LEAVES}",
    "host": f"storage {LEAVES}",
    "storage": LEAVES,
    "schema": "",
    "errors": "",
    "parallel": "",
}


def plant(root: Path, path: str, source: str) -> None:
    for name, content in {"shardkit/__init__.py": ALL, "trainer/__init__.py": "", path: source}.items():
        file = root / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(content)


def found(root: Path, path: str, source: str) -> list[str]:
    plant(root, path, source)
    return list(architecture.check(root))


def test_our_own_tree_holds_the_rules() -> None:
    assert list(architecture.check(architecture.ROOT)) == []


@pytest.mark.parametrize(("path", "source", "message"), [*ARROWS, *BANS, *MOVES, *LOADS, *INDIRECT, *PUBLIC])
def test_a_violation_is_found_on_its_line(tmp_path: Path, path: str, source: str, message: str) -> None:
    line = max(1, len(source.splitlines()))

    last = found(tmp_path, path, source)[-1]

    assert last.startswith(f"{path}:{line}: ")
    assert message in last


@pytest.mark.parametrize(("path", "source"), FINE)
def test_what_only_resembles_a_violation_is_not_found(tmp_path: Path, path: str, source: str) -> None:
    assert found(tmp_path, path, source) == []


def test_every_pair_of_rooms_follows_the_design(tmp_path: Path) -> None:
    for room, other in permutations(HOUSE, 2):
        plant(tmp_path, f"shardkit/{room}/{other}.py", f"import shardkit.{other}.x")

    places = {finding.partition(":")[0] for finding in architecture.check(tmp_path)}

    assert places == {
        f"shardkit/{room}/{other}.py" for room, other in permutations(HOUSE, 2) if other not in HOUSE[room].split()
    }


@pytest.mark.parametrize(
    ("path", "source", "lines"),
    [
        ("shardkit/format/tar.py", "import torch\ntorch.ones(1)\nfrom ..pack import plan\nplan.rows()", ["1", "3"]),
        ("trainer/trainer.py", "from shardkit.errors import Locked\nLocked()", ["1"]),
        ("trainer/schedule.py", "import torch\ntorch.distributed.rpc.sync()", ["2"]),
    ],
)
def test_one_violation_is_one_finding(tmp_path: Path, path: str, source: str, lines: list[str]) -> None:
    assert [finding.split(":")[1] for finding in found(tmp_path, path, source)] == lines


def test_the_command_names_the_place_and_fails(tmp_path: Path) -> None:
    plant(tmp_path, "shardkit/pack/plan.py", "\nimport pickle\n")

    ended = subprocess.run(
        [sys.executable, architecture.__file__, tmp_path], capture_output=True, text=True, check=False
    )

    assert (ended.returncode, ended.stderr) == (1, "")
    assert ended.stdout.startswith("shardkit/pack/plan.py:2: pickle: ")
    assert len(ended.stdout.splitlines()) == 1


def test_the_command_is_silent_on_a_clean_tree(tmp_path: Path) -> None:
    plant(tmp_path, "shardkit/pack/plan.py", "import json\n")

    ended = subprocess.run(
        [sys.executable, architecture.__file__, tmp_path], capture_output=True, text=True, check=False
    )

    assert (ended.returncode, ended.stdout, ended.stderr) == (0, "", "")
