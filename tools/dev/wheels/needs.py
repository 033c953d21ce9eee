"""Which packages an installation needs: from requirement to wheel to its requirements, until nothing is new. Pure.

pip could follow the requirements itself, but reads their conditions for the machine that it runs on. Here they are read
for the machine that is meant, and each version is the one in the lock.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple
from zipfile import ZipFile

from packaging.metadata import Metadata
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name, parse_wheel_filename
from packaging.version import Version

from wheels.mistakes import Misused, Stopped
from wheels.target import Target


class Wheel(NamedTuple):
    path: Path
    name: str
    version: Version

    @classmethod
    def at(cls, path: Path) -> "Wheel":
        name, version, *_ = parse_wheel_filename(path.name)
        return cls(path, name, version)

    @property
    def metadata(self) -> Metadata:
        with ZipFile(self.path) as content:
            inside = next(name for name in content.namelist() if name.endswith(".dist-info/METADATA"))
            return Metadata.from_email(content.read(inside), validate=False)


@dataclass(frozen=True)
class Lock:
    versions: dict[str, str]

    @classmethod
    def of(cls, text: str) -> "Lock":
        pins = (line.split("==") for line in text.splitlines() if "==" in line)
        return cls({canonicalize_name(name): version for name, version in pins})

    def with_torch(self, build: str | None) -> "Lock":
        """`cpu`, `cu130` …: that build of the locked version; `plain`: the one that has no such addition."""
        if not build:
            return self
        version = self.versions["torch"]
        return Lock({**self.versions, "torch": f"={version}" if build == "plain" else f"{version}+{build}"})

    def pinned(self, requirement: Requirement) -> Requirement:
        """What the lock does not know, a build of torch for GPUs asks for, and pins itself."""
        name = canonicalize_name(requirement.name)
        return Requirement(
            f"{name}=={self.versions[name]}" if name in self.versions else f"{name}{requirement.specifier}"
        )


def collected(wanted: Requirement, lock: Lock, target: Target, fetch: Callable[[Requirement], Wheel]) -> list[Wheel]:
    """Every wheel that `wanted` needs, itself first; `fetch` gives the one that satisfies a pinned requirement."""
    wheels: dict[str, Wheel] = {}
    asked = {str(wanted)}
    waiting = [wanted]
    while waiting:
        requirement = waiting.pop(0)
        name = canonicalize_name(requirement.name)
        if name not in wheels:
            wheels[name] = fetch(lock.pinned(requirement))
        _agree(requirement, wheels[name])
        for need in needs(wheels[name].metadata, requirement.extras, target):
            if str(need) not in asked:
                asked.add(str(need))
                waiting.append(need)
    return list(wheels.values())


def needs(metadata: Metadata, extras: set[str], target: Target) -> Iterator[Requirement]:
    """What a package needs with these extras, on that machine."""
    offered = {canonicalize_name(each) for each in metadata.provides_extra or []}
    chosen: set[str] = {canonicalize_name(each) for each in extras}
    if unknown := sorted(chosen - offered):
        raise Misused(
            f"{metadata.name} has no extra {', '.join(unknown)}; it has {', '.join(sorted(offered)) or 'none'}."
        )
    for each in metadata.requires_dist or []:
        if any(_applies(each, {**target.markers, "extra": extra}) for extra in chosen or {""}):
            each.marker = None
            yield each


def _applies(requirement: Requirement, environment: dict[str, str]) -> bool:
    return requirement.marker is None or requirement.marker.evaluate({**environment})


def _agree(requirement: Requirement, wheel: Wheel) -> None:
    if not requirement.specifier.contains(wheel.version, prereleases=True):
        raise Stopped(f"{requirement} is asked for, and requirements.lock has {wheel.version}: run `make lock`.")
