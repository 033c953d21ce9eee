"""The folder that is carried away: wheels, what they are for, exact versions, the installer, sums over all of it."""

import fcntl
import hashlib
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from wheels.mistakes import Misused, Stopped
from wheels.needs import Wheel
from wheels.target import Target, glibc_for

SUMS, TARGET, PART = "SHA256SUMS", "target", ".part"
INSTALLER = ("install.sh", "check.py")
_HERE = Path(__file__).parent


class House:
    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.part = folder / PART

    @contextmanager
    def opened(self, target: Target) -> Iterator[None]:
        """Alone in the folder, with an empty place for what is not finished. Until it is, it has no sums."""
        self.folder.mkdir(parents=True, exist_ok=True)
        self._refuse_other(target)
        place = os.open(self.folder, os.O_RDONLY)
        try:
            self._alone(place)
            self.clear()
            yield
            shutil.rmtree(self.part)
        finally:
            os.close(place)

    def clear(self) -> None:
        shutil.rmtree(self.part, ignore_errors=True)
        self.part.mkdir()

    def _alone(self, place: int) -> None:
        try:
            fcntl.flock(place, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Stopped(f"Another `make wheelhouse` is at work in {self.folder}.") from None

    def _refuse_other(self, target: Target) -> None:
        file = self.folder / TARGET
        told = dict(line.split("=") for line in file.read_text().splitlines()) if file.exists() else {}
        held = Target(told["python"], told["machine"], int(told["glibc"])) if told else target
        if (held.python, held.machine) != (target.python, target.machine):
            raise Misused(f"{self.folder} is for {held}: remove it, or name another folder with WHEELHOUSE=.")
        strangers = [each.name for each in self.folder.iterdir() if each.name != PART] if not told else []
        if strangers:
            raise Misused(f"{self.folder} holds something else ({strangers[0]}): name another folder with WHEELHOUSE=.")

    def write(self, name: str, text: str) -> None:
        unfinished = self.part / name
        with unfinished.open("w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        unfinished.replace(self.folder / name)

    def tell(self, target: Target, extras: str, version: str) -> None:
        """Read by install.sh as shell, by check.py as lines."""
        fields = {"python": target.python, "machine": target.machine, "glibc": target.glibc}
        fields |= {"extras": extras, "version": version}
        self.write(TARGET, "".join(f"{name}={value}\n" for name, value in fields.items()))

    def wheels(self) -> list[Wheel]:
        return [Wheel.at(path) for path in sorted(self.folder.glob("*.whl"))]

    def sums(self) -> dict[str, str]:
        file = self.folder / SUMS
        lines = file.read_text("utf-8").splitlines() if file.exists() else []
        return {name: digest for digest, _, name in (line.partition("  ") for line in lines)}

    def remove_damaged(self) -> list[str]:
        """Wheels that are not any more what an earlier call left here. What it left unfinished is not among them."""
        told = self.sums()
        damaged = [each.path for each in self.wheels() if told.get(each.path.name, "") not in {"", digest(each.path)}]
        for path in damaged:
            path.unlink()
        return [path.name for path in damaged]

    def remove_all_but(self, wheels: list[Wheel]) -> list[str]:
        """Of the wheels: those of an earlier lock, or of another build."""
        kept = {each.path.name for each in wheels}
        gone = [each.path for each in self.wheels() if each.path.name not in kept]
        for path in gone:
            path.unlink()
        return [path.name for path in gone]

    def finish(self, wheels: list[Wheel], target: Target, extras: str) -> None:
        """The sums come last: an installer that finds none says that the wheelhouse is not finished."""
        oldest = max(map(glibc_for, (each.path.name for each in wheels)))
        self.tell(Target(target.python, target.machine, oldest), extras, str(wheels[0].version))
        exact = sorted(f"{each.name}=={each.version}\n" for each in wheels)
        self.write("constraints.txt", f"# What lies here, exactly: the lock, for {target}.\n{''.join(exact)}")
        for name in INSTALLER:
            self.write(name, (_HERE / name).read_text("utf-8"))
        names = sorted(each.name for each in self.folder.iterdir() if each.name not in {SUMS, PART})
        self.write(SUMS, "".join(f"{digest(self.folder / name)}  {name}\n" for name in names))

    def size(self) -> int:
        return sum(each.stat().st_size for each in self.folder.iterdir() if each.is_file())


def digest(file: Path) -> str:
    with file.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()
