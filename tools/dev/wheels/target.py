"""For whom wheels are collected: a Python, a kind of processor, a C library. Pure, but for `here`."""

import platform
import re
import sys
from dataclasses import dataclass
from functools import cached_property

from packaging.tags import Tag, compatible_tags, cpython_tags
from packaging.utils import parse_wheel_filename

from wheels.mistakes import Misused

# Names from before the version of glibc was part of the name.
OLD_NAMES = {"manylinux2014": 17, "manylinux2010": 12, "manylinux1": 5}
_PLATFORM = re.compile(r"(?:manylinux_2_(?P<glibc>\d+)|(?P<old>manylinux\d+))_(?P<machine>[a-z0-9]\w*)")
_HOW = "Name a Linux as manylinux_2_28_x86_64: glibc's version as `ldd --version` tells it there, then `uname -m`."


@dataclass(frozen=True)
class Target:
    python: str  # 3.12
    machine: str  # x86_64
    glibc: int  # of 2.28, the 28

    def __str__(self) -> str:
        return f"Python {self.python} on Linux {self.machine} with glibc 2.{self.glibc}"

    @property
    def platforms(self) -> list[str]:
        """Best first: what was built against an older glibc runs with a newer one."""
        names = [(glibc, f"manylinux_2_{glibc}") for glibc in range(self.glibc, 4, -1)]
        old = [(glibc, name) for name, glibc in OLD_NAMES.items() if glibc <= self.glibc]
        return [f"{name}_{self.machine}" for _, name in sorted(names + old, reverse=True)] + [f"linux_{self.machine}"]

    @property
    def flags(self) -> list[str]:
        """What pip asks an index with. It expands no platform by itself."""
        platforms = [f"--platform={each}" for each in self.platforms]
        return ["--only-binary=:all:", "--implementation=cp", f"--python-version={self.python}", *platforms]

    @property
    def markers(self) -> dict[str, str]:
        """What a requirement's `; condition` is about. pip would answer for the machine that collects."""
        return {
            "implementation_name": "cpython",
            "implementation_version": f"{self.python}.0",
            "os_name": "posix",
            "platform_machine": self.machine,
            "platform_python_implementation": "CPython",
            "platform_release": "",
            "platform_system": "Linux",
            "platform_version": "",
            "python_full_version": f"{self.python}.0",
            "python_version": self.python,
            "sys_platform": "linux",
        }

    @cached_property
    def tags(self) -> frozenset[Tag]:
        version = tuple(map(int, self.python.split(".")))
        abi = f"cp{version[0]}{version[1]}"
        return frozenset(
            [*cpython_tags(version, [abi], self.platforms), *compatible_tags(version, abi, self.platforms)]
        )

    def takes(self, wheel: str) -> bool:
        return not self.tags.isdisjoint(parse_wheel_filename(wheel)[3])


def target(python: str | None, named: str | None) -> Target:
    """As the user named it; what is not named is this machine's."""
    python = python or f"{sys.version_info.major}.{sys.version_info.minor}"
    if not re.fullmatch(r"3\.\d+", python):
        raise Misused(f"PYTHON_VERSION is two numbers, as 3.12, and not {python!r}.")
    match = _PLATFORM.fullmatch(named or here())
    if match is None or (match["old"] and match["old"] not in OLD_NAMES):
        raise Misused(f"PLATFORM {named!r} is no name that wheels have for a Linux. {_HOW}")
    return Target(python, match["machine"], int(match["glibc"] or OLD_NAMES[match["old"]]))


def here() -> str:
    library, version = platform.libc_ver()
    if library != "glibc":
        raise Misused(f"This machine ({platform.system()}) is no Linux with glibc, so its name is no help. {_HOW}")
    return f"manylinux_2_{version.split('.')[1]}_{platform.machine()}"


def glibc_for(wheel: str) -> int:
    """The oldest 2.x that a wheel runs with; 0 where its name does not say."""
    names = [tag.platform.rpartition("manylinux")[1:] for tag in parse_wheel_filename(wheel)[3]]
    return min((_glibc_of("".join(name)) for name in names), default=0)


def _glibc_of(name: str) -> int:
    match = _PLATFORM.fullmatch(name)
    return int(match["glibc"] or OLD_NAMES.get(match["old"], 0)) if match else 0
