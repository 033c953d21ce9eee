"""From a requirement to every wheel that it takes, for another machine than this one."""

from pathlib import Path

import pytest
from packaging.requirements import Requirement

from tests.tools.wheelhouse.places import stub
from wheels.mistakes import Misused, Stopped
from wheels.needs import Lock, Wheel, collected
from wheels.target import Target

THERE = Target("3.12", "aarch64", 28)


def wheels(folder: Path, wanted: str, lock: str) -> list[str]:
    def fetch(requirement: Requirement) -> Wheel:
        asked.append(str(requirement))
        there = map(Wheel.at, folder.glob("*.whl"))
        return next(each for each in there if each.name == requirement.name and each.version in requirement.specifier)

    asked: list[str] = []
    got = collected(Requirement(wanted), Lock.of(lock), THERE, fetch)
    assert len(asked) == len(got)
    return sorted(f"{each.name} {each.version}" for each in got)


def test_needs_of_needs_in_their_locked_versions(tmp_path: Path) -> None:
    stub(tmp_path, "kit", "1", ["A.b>=1", "c"])
    stub(tmp_path, "a-b", "2", ["c"])
    stub(tmp_path, "a-b", "3", ["never"])
    stub(tmp_path, "c", "4", ["kit"])

    assert wheels(tmp_path, "kit", "# why\na-b==2\nc==4\n") == ["a-b 2", "c 4", "kit 1"]


def test_conditions_are_read_for_the_machine_that_is_meant(tmp_path: Path) -> None:
    conditions = {
        "yes-machine": "platform_machine == 'aarch64'",
        "yes-python": "python_version >= '3.12' and python_full_version < '3.13'",
        "yes-linux": "sys_platform == 'linux' and platform_system == 'Linux' and os_name == 'posix'",
        "no-machine": "platform_machine == 'x86_64'",
        "no-python": "python_version < '3.12'",
        "no-windows": "sys_platform == 'win32'",
        "no-pypy": "implementation_name == 'pypy'",
    }
    stub(tmp_path, "kit", "1", [f"{name}; {condition}" for name, condition in conditions.items()])
    for name in conditions:
        stub(tmp_path, name, "1")

    assert wheels(tmp_path, "kit", "") == ["kit 1", "yes-linux 1", "yes-machine 1", "yes-python 1"]


def test_extras_are_taken_when_they_are_asked_for(tmp_path: Path) -> None:
    stub(tmp_path, "kit", "1", ["base", "torch; extra == 'train'", "boto; extra == 's3'"])
    stub(tmp_path, "base", "1")
    stub(tmp_path, "torch", "1", ["toolkit[blas]"])
    stub(tmp_path, "toolkit", "1", ["cublas; extra == 'blas'", "cufft; extra == 'fft'"])
    stub(tmp_path, "cublas", "1", ["toolkit[fft]"])
    stub(tmp_path, "cufft", "1")

    assert wheels(tmp_path, "kit", "") == ["base 1", "kit 1"]
    assert wheels(tmp_path, "kit[train]", "") == ["base 1", "cublas 1", "cufft 1", "kit 1", "toolkit 1", "torch 1"]


def test_an_unknown_extra_is_told(tmp_path: Path) -> None:
    stub(tmp_path, "kit", "1", ["torch; extra == 'train'"])

    with pytest.raises(Misused, match="kit has no extra gpu; it has train"):
        wheels(tmp_path, "kit[gpu]", "")


def test_a_lock_that_contradicts_is_told(tmp_path: Path) -> None:
    stub(tmp_path, "kit", "1", ["a>=2"])
    stub(tmp_path, "a", "1")

    with pytest.raises(Stopped, match=r"a>=2 is asked for, and requirements\.lock has 1: run `make lock`"):
        wheels(tmp_path, "kit", "a==1\n")


@pytest.mark.parametrize(("build", "taken"), [("cpu", "2+cpu"), ("cu130", "2+cu130"), ("plain", "2")])
def test_a_build_of_torch_is_chosen(tmp_path: Path, build: str, taken: str) -> None:
    pinned = Lock.of("torch==2\n").with_torch(build).pinned(Requirement("torch>=1"))
    stub(tmp_path, "torch", taken)

    (wheel,) = map(Wheel.at, tmp_path.glob("*.whl"))

    others = {"2", "2+cpu", "2+cu130", "3"} - {taken}
    assert pinned.specifier.contains(wheel.version)
    assert not any(map(pinned.specifier.contains, others))
