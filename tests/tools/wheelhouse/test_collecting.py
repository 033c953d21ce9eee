"""`make wheelhouse`, from an index that is a folder of stubs: what it leaves, goes on with, mends and refuses."""

import os
import shutil
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from tests.tools.wheelhouse.places import LOCK, ROOT, THIS, collect, pip_sees, stub
from wheels.fetching import fetched, reason
from wheels.house import House, digest
from wheels.mistakes import NoSpace
from wheels.target import Target, target

BASE = ("--extras=",)


@pytest.fixture
def house(collected: Path, tmp_path: Path) -> Path:
    return shutil.copytree(collected, tmp_path / "wheelhouse")


@pytest.fixture
def nothing(tmp_path: Path) -> Path:
    """An index that has no wheel at all: what is fetched now fails."""
    (tmp_path / "nothing").mkdir()
    return tmp_path / "nothing"


def test_all_of_it_is_there_and_has_a_sum(collected: Path) -> None:
    names = {each.name for each in collected.iterdir()}
    extra = {"SHA256SUMS", "constraints.txt", "target", "install.sh", "check.py"}

    assert len(names - extra) == 14
    assert extra <= names
    assert set(House(collected).sums()) == names - {"SHA256SUMS"}
    assert all(digest(collected / name) == told for name, told in House(collected).sums().items())


def test_constraints_are_the_locked_versions(collected: Path) -> None:
    told = dict(line.split("==") for line in (collected / "constraints.txt").read_text().splitlines()[1:])

    assert {name: LOCK[name] for name in told if name != "shardkit"} | {"shardkit": told["shardkit"]} == told


def test_a_second_call_fetches_nothing_and_changes_no_byte(house: Path, nothing: Path) -> None:
    before = {each.name: each.read_bytes() for each in house.iterdir()}

    ended = collect(house, pip_sees(nothing), *BASE)

    assert ended.returncode == 0, ended.stderr
    assert {each.name: each.read_bytes() for each in house.iterdir()} == before


def test_only_what_is_missing_is_fetched_and_what_is_not_needed_goes(house: Path, tmp_path: Path) -> None:
    next(house.glob("rich-*")).unlink()
    stub(house, "rich", "1.0")
    some = tmp_path / "some"
    stub(some, "rich", LOCK["rich"])

    ended = collect(house, pip_sees(some), *BASE)

    assert ended.returncode == 0, ended.stderr
    assert "rich-1.0-py3-none-any.whl is not needed any more: removed" in ended.stdout
    assert [each.name for each in house.glob("rich-*")] == [f"rich-{LOCK['rich']}-py3-none-any.whl"]


def test_a_damaged_wheel_is_fetched_again(house: Path, tmp_path: Path) -> None:
    damaged = next(house.glob("rich-*"))
    damaged.write_bytes(damaged.read_bytes()[:-1] + b"\1")
    some = tmp_path / "some"
    whole = stub(some, "rich", LOCK["rich"]).read_bytes()

    ended = collect(house, pip_sees(some), *BASE)

    assert f"{damaged.name} was damaged: it is fetched again" in ended.stdout
    assert damaged.read_bytes() == whole


def test_a_wheel_that_was_cut_off_before_there_were_sums_is_fetched_again(house: Path, tmp_path: Path) -> None:
    (house / "SHA256SUMS").unlink()
    cut = next(house.glob("rich-*"))
    cut.write_bytes(cut.read_bytes()[:-9])
    whole = stub(tmp_path / "some", "rich", LOCK["rich"]).read_bytes()

    collect(house, pip_sees(tmp_path / "some"), *BASE)

    assert cut.read_bytes() == whole


def test_half_a_wheel_of_a_pip_that_failed_is_not_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_space(_: list[str], __: str, part: Path) -> tuple[bool, str]:
        (part / "rich-1-py3-none-any.whl").touch()
        return False, "ERROR: Could not install: [Errno 28] No space left on device"

    monkeypatch.setattr("wheels.fetching.pip", no_space)
    (tmp_path / "part").mkdir()

    with pytest.raises(NoSpace):
        fetched(Requirement("rich==1"), target(None, None), tmp_path / "part", tmp_path)

    assert list(tmp_path.glob("*.whl")) == []


def test_a_package_without_a_wheel_is_named(house: Path, nothing: Path) -> None:
    next(house.glob("lz4-*")).unlink()

    ended = collect(house, pip_sees(nothing), *BASE)

    assert ended.returncode == 1
    assert ended.stderr.startswith(f"Error: The index has no wheel of lz4=={LOCK['lz4']} for Python {THIS} on Linux ")
    assert not (house / "SHA256SUMS").exists()


def test_a_wheelhouse_for_another_python_is_left_alone(house: Path, nothing: Path) -> None:
    ended = collect(house, pip_sees(nothing), *BASE, "--python-version=3.99")

    assert (ended.returncode, ended.stderr.count("\n")) == (2, 1)
    assert f"is for Python {THIS}" in ended.stderr
    assert (house / "SHA256SUMS").exists()


def test_a_folder_of_something_else_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").touch()

    ended = collect(tmp_path, pip_sees(tmp_path), *BASE)

    assert ended.returncode == 2
    assert "holds something else (thesis.txt)" in ended.stderr
    assert [each.name for each in tmp_path.iterdir()] == ["thesis.txt"]


def test_no_network_is_told(house: Path) -> None:
    next(house.glob("lz4-*")).unlink()
    environment = pip_sees(house, PIP_NO_INDEX="0", PIP_INDEX_URL="http://127.0.0.1:9/simple", PIP_RETRIES="0")

    ended = collect(house, environment, *BASE)

    assert ended.returncode == 7
    assert "cannot be reached" in ended.stderr


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_stopped_in_a_download_it_goes_on(house: Path, tmp_path: Path, number: int, code: int) -> None:
    next(house.glob("rich-*")).unlink()
    command = [sys.executable, "tools/dev/wheelhouse.py", str(house), *BASE]
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}/simple"
        environment = pip_sees(house, PIP_NO_INDEX="0", PIP_INDEX_URL=url)
        running = subprocess.Popen(command, cwd=ROOT, env=environment, stderr=subprocess.PIPE, text=True)
        with silent.accept()[0]:
            os.kill(running.pid, number)
            _, said = running.communicate()

    assert running.returncode == code
    assert said == "\nStopped. The same command goes on.\n"
    stub(tmp_path / "some", "rich", LOCK["rich"])
    assert collect(house, pip_sees(tmp_path / "some"), *BASE).returncode == 0


NOT_FOUND = "ERROR: No matching distribution found for torch"


@pytest.mark.parametrize(
    ("talk", "code", "said"),
    [
        ("ERROR: Could not install: [Errno 28] No space left on device", 6, "No space left in wheels"),
        (f"WARNING: Retrying after connection broken by 'New'\n{NOT_FOUND}", 7, "cannot be reached"),
        (NOT_FOUND, 1, "no wheel of torch==2+cpu for Python 3.12 on Linux x86_64"),
        (NOT_FOUND, 1, "name that one in PIP_EXTRA_INDEX_URL"),
        ("ERROR: THESE PACKAGES DO NOT MATCH THE HASHES", 1, "DO NOT MATCH THE HASHES"),
    ],
)
def test_what_pip_says_becomes_a_sentence(talk: str, code: int, said: str) -> None:
    why = reason(Requirement("torch==2+cpu"), Target("3.12", "x86_64", 28), Path("wheels"), talk)

    assert why.code == code
    assert said in str(why)


def test_make_hands_on_what_was_named() -> None:
    named = ["EXTRAS=train,s3", "PYTHON_VERSION=3.12", "PLATFORM=manylinux_2_28_aarch64", "TORCH=cpu", "WHEELHOUSE=a b"]

    command = [shutil.which("make") or "make", "-n", "wheelhouse", *named]
    said = subprocess.run(command, cwd=ROOT, env=pip_sees(ROOT), capture_output=True, text=True, check=True)

    line = " ".join(said.stdout.replace("\\\n", " ").split())
    assert "'a b' --extras='train,s3' --python-version='3.12' --platform='manylinux_2_28_aarch64' --torch='cpu'" in line


def test_this_machine_is_the_default() -> None:
    assert str(target(None, None)).startswith(f"Python {THIS} on Linux ")
