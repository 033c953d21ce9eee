"""Whose wheels: what pip is asked for, and which wheel runs there."""

import pytest

from tests.tools.wheelhouse.places import THIS
from wheels.mistakes import Misused
from wheels.target import Target, glibc_for, target

OLD = Target("3.12", "x86_64", 17)


@pytest.mark.parametrize(
    ("wheel", "runs"),
    [
        ("a-1-py3-none-any.whl", True),
        ("a-1-cp312-cp312-manylinux_2_17_x86_64.whl", True),
        ("a-1-cp312-cp312-manylinux_2_28_x86_64.manylinux2014_x86_64.whl", True),
        ("a-1-cp39-abi3-manylinux1_x86_64.whl", True),
        ("a-1-cp312-cp312-linux_x86_64.whl", True),
        ("a-1-cp312-cp312-manylinux_2_18_x86_64.whl", False),
        ("a-1-cp312-cp312-manylinux_2_17_aarch64.whl", False),
        ("a-1-cp312-cp312-musllinux_1_2_x86_64.whl", False),
        ("a-1-cp311-cp311-manylinux_2_17_x86_64.whl", False),
        ("a-1-cp313-abi3-manylinux_2_17_x86_64.whl", False),
        ("a-1-cp312-cp312t-manylinux_2_17_x86_64.whl", False),
    ],
)
def test_a_wheel_runs_there_or_not(wheel: str, *, runs: bool) -> None:
    assert OLD.takes(wheel) is runs


@pytest.mark.parametrize(
    ("wheel", "oldest"),
    [
        ("a-1-py3-none-any.whl", 0),
        ("a-1-cp312-cp312-linux_x86_64.whl", 0),
        ("a-1-cp312-cp312-manylinux2014_x86_64.whl", 17),
        ("a-1-cp312-cp312-manylinux_2_27_x86_64.manylinux_2_28_x86_64.whl", 27),
    ],
)
def test_a_wheel_tells_the_oldest_glibc(wheel: str, oldest: int) -> None:
    assert glibc_for(wheel) == oldest


@pytest.mark.parametrize("name", ["manylinux_2_17_x86_64", "manylinux2014_x86_64"])
def test_a_platform_has_two_names(name: str) -> None:
    assert target("3.12", name) == OLD


def test_what_is_not_named_is_this_machine() -> None:
    assert target(None, None).python == THIS


@pytest.mark.parametrize(
    "name", ["win_amd64", "linux_x86_64", "manylinux2000_x86_64", "manylinux_2_28", "macosx_14_0_arm64"]
)
def test_another_platform_is_told_how_names_look(name: str) -> None:
    with pytest.raises(Misused, match=f"PLATFORM '{name}' .* Name a Linux as manylinux_2_28_x86_64"):
        target("3.12", name)


@pytest.mark.parametrize("python", ["3", "312", "3.12.1", "python3.12"])
def test_another_python_is_told_how_versions_look(python: str) -> None:
    with pytest.raises(Misused, match=r"PYTHON_VERSION is two numbers, as 3\.12"):
        target(python, None)
