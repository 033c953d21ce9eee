"""One wheel into the folder: under its final name it is whole, and an interruption loses that one at most."""

import os
import re
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path
from zipfile import is_zipfile

from packaging.requirements import Requirement

from wheels.mistakes import NoSpace, Stopped, Unreachable
from wheels.needs import Wheel
from wheels.pip import pip
from wheels.target import Target

_NO_NETWORK = re.compile(
    r"connection broken by|Connection ?Error|ConnectTimeout|ReadTimeout|Max retries|ProxyError|timed out"
)
_NO_SPACE = re.compile(r"Errno 28|No space left|Errno 122|quota exceeded", re.IGNORECASE)
_NONE_FITS = re.compile(r"No matching distribution|Could not find a version")


def there(requirement: Requirement, wheels: Iterable[Wheel], target: Target) -> Wheel | None:
    """The newest of `wheels` that does; one that is cut off does not."""
    fits = [each for each in wheels if satisfies(each, requirement) and target.takes(each.path.name)]
    fits = [each for each in fits if is_zipfile(each.path)]
    return max(fits, key=lambda each: each.version, default=None)


def satisfies(wheel: Wheel, requirement: Requirement) -> bool:
    return wheel.name == requirement.name and requirement.specifier.contains(wheel.version, prereleases=True)


def fetched(requirement: Requirement, target: Target, part: Path, folder: Path) -> Wheel:
    """Download into `part`, on the same disk as `folder`; then it appears there at once."""
    command = ["download", "--no-deps", "--retries=2", f"--dest={part}", *target.flags, str(requirement)]
    did, talk = pip(command, str(requirement), part)
    found = next(part.glob("*.whl"), None)
    if not did or found is None:  # a full disk leaves half a wheel
        raise reason(requirement, target, folder, talk)
    return Wheel.at(published(found, folder))


def built(source: Path, part: Path, folder: Path) -> Wheel:
    """Our own. The build is reproducible: the same source, the same bytes."""
    command = [sys.executable, "-m", "hatchling", "build", "--target=wheel", f"--directory={part}"]
    ended = subprocess.run(command, cwd=source, capture_output=True, text=True, check=False)
    found = next(part.glob("*.whl"), None)
    if ended.returncode != 0 or found is None:
        raise Stopped(f"shardkit's own wheel could not be built: {_last(ended.stderr)}")
    return Wheel.at(published(found, folder))


def published(file: Path, folder: Path) -> Path:
    with file.open("rb") as content:
        os.fsync(content.fileno())
    return file.replace(folder / file.name)


def reason(requirement: Requirement, target: Target, folder: Path, talk: str) -> Stopped:
    """What pip's talk comes to, in a sentence."""
    name = str(requirement)
    if _NO_SPACE.search(talk):
        return NoSpace(f"No space left in {folder} for {name}. What is there stays: make room and call again.")
    if _NO_NETWORK.search(talk):
        return Unreachable(
            f"pip's package index cannot be reached, at {name}. What is there stays: call again with a network."
        )
    if _NONE_FITS.search(talk):
        return Stopped(f"The index has no wheel of {name} for {target}. {_elsewhere(requirement)}")
    return Stopped(f"pip could not fetch {name}: {_last(talk)}")


def _elsewhere(requirement: Requirement) -> str:
    if requirement.name == "torch" and "+" in str(requirement.specifier):
        return "PyTorch keeps such builds in indexes of its own: name that one in PIP_EXTRA_INDEX_URL."
    return "Name another PYTHON_VERSION or PLATFORM, or a version that has one in requirements.lock."


def _last(talk: str) -> str:
    return next((line for line in reversed(talk.splitlines()) if line.strip()), "it said nothing")
