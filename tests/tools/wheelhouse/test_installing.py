"""`sh install.sh` where there is no network, and what it refuses before it touches anything."""

import shutil
from pathlib import Path
from types import SimpleNamespace

import pytest

from tests.tools.wheelhouse.places import ROOT, THIS, Ended, closed_room, offline, stub
from wheels import check
from wheels.house import House
from wheels.needs import Wheel
from wheels.target import Target, target


def install(house: Path, home: Path, *args: str, **more: str) -> Ended:
    return offline(["sh", str(house / "install.sh"), *args], home, **more)


def refused(house: Path, home: Path, *args: str, code: int, **more: str) -> str:
    """Its one sentence. Nothing was installed."""
    ended = install(house, home, *args, **more)
    assert ended.returncode == code, ended.stderr
    assert ended.stderr.startswith("Error: ")
    assert ended.stderr.count("\n") == 1
    assert not (home / "shardkit-venv").exists()
    return ended.stderr


@pytest.fixture
def house(collected: Path, tmp_path: Path) -> Path:
    return shutil.copytree(collected, tmp_path / "wheelhouse")


def made_for(meant: Target, folder: Path, tag: str = "py3-none-any") -> Path:
    """A finished wheelhouse of one wheel."""
    house = House(folder)
    with house.opened(meant):
        house.finish([Wheel.at(stub(folder, "shardkit", "1", tag=tag))], meant, "")
    return folder


def test_the_room_has_no_network(tmp_path: Path) -> None:
    if not closed_room():
        pytest.skip("no network name spaces here: it was tried with proxies that lead nowhere instead")

    devices = offline(["cat", "/proc/self/net/dev"], tmp_path).stdout.splitlines()[2:]

    assert [line.split(":")[0].strip() for line in devices] == ["lo"]


def test_it_installs_without_a_network_and_replaces_what_was_there(collected: Path, tmp_path: Path) -> None:
    ended = install(collected, tmp_path / "home", "an environment")

    assert ended.returncode == 0, ended.stderr
    assert "shardkit, version" in ended.stdout
    assert ended.stdout.endswith("Next: . 'an environment/bin/activate' && shardkit pack FOLDER packed --dry-run\n")
    assert (tmp_path / "home/an environment/bin/shardkit").exists()
    assert "PNGs are decoded in about twice the time" in ended.stdout  # the stub of Numba compiles nothing

    (old,) = tmp_path.glob("home/an environment/lib/*/site-packages/shardkit/errors.py")
    old.write_text("old = True\n")
    again = install(collected, tmp_path / "home", "an environment")

    assert again.returncode == 0, again.stderr
    assert old.read_bytes() == (ROOT / "shardkit/errors.py").read_bytes()


def test_a_damaged_wheel_is_found_before_anything_is_installed(house: Path, tmp_path: Path) -> None:
    wheel = next(house.glob("numpy-*"))
    bytes_of = bytearray(wheel.read_bytes())
    bytes_of[len(bytes_of) // 2] ^= 1
    wheel.write_bytes(bytes_of)

    assert f"{wheel.name} is damaged" in refused(house, tmp_path / "home", code=4)


def test_a_missing_wheel_is_told(house: Path, tmp_path: Path) -> None:
    wheel = next(house.glob("numpy-*"))
    wheel.unlink()

    assert f"{wheel.name} is missing" in refused(house, tmp_path / "home", code=4)


def test_a_wheel_of_somebody_else_is_told(house: Path, tmp_path: Path) -> None:
    stub(house, "numpy", "99")

    assert "numpy-99-py3-none-any.whl does not belong" in refused(house, tmp_path / "home", code=4)


@pytest.mark.parametrize("lost", ["SHA256SUMS", "target"])
def test_an_unfinished_wheelhouse_is_told(house: Path, tmp_path: Path, lost: str) -> None:
    (house / lost).unlink()

    assert "is not a finished wheelhouse" in refused(house, tmp_path / "home", code=4)


def test_another_python_is_told(tmp_path: Path) -> None:
    house = made_for(Target("3.99", target(None, None).machine, 17), tmp_path / "wheels")

    said = refused(house, tmp_path / "home", code=2)

    assert "these wheels are for Python 3.99, and " in said
    assert "name another with PYTHON=python3.99, or collect others with `make wheelhouse PYTHON_VERSION=3." in said


@pytest.mark.parametrize(
    ("machine", "tag"),
    [("riscv128", "py3-none-any"), (target(None, None).machine, "py3-none-manylinux_2_99_m")],
    ids=["processor", "glibc"],
)
def test_another_machine_is_told(tmp_path: Path, machine: str, tag: str) -> None:
    house = made_for(Target(THIS, machine, 17), tmp_path / "wheels", tag)

    said = refused(house, tmp_path / "home", code=2, PYTHON=f"python{THIS}")

    assert f"these wheels are for Linux {machine} with glibc 2." in said


def test_a_python_that_is_not_there_is_told(collected: Path, tmp_path: Path) -> None:
    assert "There is no python2.0 here" in refused(collected, tmp_path / "home", code=2, PYTHON="python2.0")


def test_a_folder_that_is_no_environment_is_left_alone(collected: Path, tmp_path: Path) -> None:
    (tmp_path / "thesis").mkdir()
    (tmp_path / "thesis/text").touch()

    said = refused(collected, tmp_path / "home", str(tmp_path / "thesis"), code=2)

    assert "is there and is no virtual environment" in said


def test_a_disk_that_is_too_small_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(check, "HERE", made_for(Target(THIS, "x86_64", 17), tmp_path / "wheels"))
    monkeypatch.setattr("shutil.disk_usage", lambda _: SimpleNamespace(free=0))

    with pytest.raises(SystemExit) as ended:
        check.check_place(tmp_path / "new/venv")

    assert ended.value.code == 6
    assert f"{tmp_path} has 0.0 GB free, and the packages need 0.0 GB" in capsys.readouterr().err
