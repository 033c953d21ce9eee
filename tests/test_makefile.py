"""`make` sets up its environment whatever an interruption left, seen with a python that only plays its part."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]

PYTHON = """#!/bin/sh
case "$*" in
    "-m venv --clear .venv") rm -rf .venv && mkdir -p .venv/bin && cp "$0" .venv/bin/python && touch .venv/pip ;;
    "-m pip --version") test -e .venv/pip ;;
    "-m pip install "*) echo "$PIP_CONSTRAINT $PIP_BUILD_CONSTRAINT" >.venv/constraints && test ! -e offline ;;
esac
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    for name in ("Makefile", "pyproject.toml", "requirements.lock"):
        shutil.copy(ROOT / name, tmp_path)
    python = tmp_path / "python"
    python.write_text(PYTHON)
    python.chmod(0o755)
    return tmp_path


def make(project: Path) -> int:
    outside = {name: value for name, value in os.environ.items() if not name.startswith(("MAKE", "MFLAGS", "PIP_"))}
    command = ["make", "--silent", ".venv/.ready", "PYTHON=./python"]
    return subprocess.run(command, cwd=project, env=outside, check=False).returncode


def environment(project: Path, *files: str) -> Path:
    (project / ".venv/bin").mkdir(parents=True)
    shutil.copy(project / "python", project / ".venv/bin")
    for file in files:
        (project / ".venv" / file).touch()
    return project / ".venv"


def test_an_environment_is_made_from_nothing(project: Path) -> None:
    assert make(project) == 0

    assert (project / ".venv/.ready").exists()


def test_an_environment_without_pip_is_made_anew(project: Path) -> None:
    venv = environment(project, "leftover")

    assert make(project) == 0

    assert {file.name for file in venv.iterdir()} == {"bin", "pip", "constraints", ".ready"}


def test_an_environment_with_pip_is_kept(project: Path) -> None:
    venv = environment(project, "pip", "installed")

    assert make(project) == 0

    assert (venv / "installed").exists()


def test_the_lock_holds_for_the_packages_and_for_the_build_backend(project: Path) -> None:
    make(project)

    assert (project / ".venv/constraints").read_text() == "requirements.lock requirements.lock\n"


def test_an_installation_that_failed_starts_again(project: Path) -> None:
    (project / "offline").touch()
    assert make(project) != 0
    assert not (project / ".venv/.ready").exists()

    (project / "offline").unlink()
    assert make(project) == 0
