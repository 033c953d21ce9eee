"""Whether the wheels beside this file are whole, and whether this Python can use them; install.sh asks first of all.

It says what is wrong in a sentence. An older Python must be able to read this file, or it could not tell its own age.
"""

from __future__ import annotations

import hashlib
import os
import platform
import shutil
import sys
import sysconfig
import zipfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
DAMAGE, MISUSE, SPACE = 4, 2, 6
AGAIN = "Carry it over again; where the network is, `make wheelhouse` mends what is damaged there."


def fail(code: int, sentence: str) -> None:
    sys.stderr.write("Error: " + sentence + "\n")
    sys.exit(code)


def check_sums() -> None:
    lines = (HERE / "SHA256SUMS").read_text("utf-8").splitlines()
    told = {name: digest for digest, _, name in (line.partition("  ") for line in lines)}
    sys.stdout.write(f"checking {len(told)} files …\n")
    sys.stdout.flush()
    for name in sorted(told):
        if not (HERE / name).is_file():
            fail(DAMAGE, f"{name} is missing from {HERE}. {AGAIN}")
        if sha256(HERE / name) != told[name]:
            fail(DAMAGE, f"{name} is damaged: its bytes are not those that SHA256SUMS tells. {AGAIN}")
    strange = sorted(each.name for each in HERE.glob("*.whl") if each.name not in told)
    if strange:
        fail(DAMAGE, f"{strange[0]} does not belong to this wheelhouse: SHA256SUMS does not know it. Remove it.")


def sha256(file: Path) -> str:
    digest = hashlib.sha256()
    with file.open("rb") as content:
        for block in iter(lambda: content.read(1 << 20), b""):
            digest.update(block)
    return digest.hexdigest()


def check_python(told: dict[str, str]) -> None:
    here = f"{sys.version_info[0]}.{sys.version_info[1]}"
    wanted, name = told["python"], platform.python_implementation()
    kind = " without the GIL" if sysconfig.get_config_var("Py_GIL_DISABLED") else ""
    if here == wanted and name == "CPython" and not kind:
        return
    what = f"these wheels are for Python {wanted}, and {sys.executable} is {name} {here}{kind}"
    instead = f"collect others with `make wheelhouse PYTHON_VERSION={here}`"
    fail(MISUSE, f"{what}: name another with PYTHON=python{wanted}, or {instead}.")


def check_machine(told: dict[str, str]) -> None:
    wanted = f"Linux {told['machine']} with glibc 2.{told['glibc']} or newer"
    library, _, version = (libc() or "no glibc").partition(" ")
    here = f"{platform.system()} {platform.machine()} with {library} {version}"
    older = library != "glibc" or int(version.split(".")[1]) < int(told["glibc"])
    if platform.machine() != told["machine"] or older:
        fail(
            MISUSE,
            f"these wheels are for {wanted}, and this is {here}: collect others with `make wheelhouse PLATFORM=`.",
        )


def libc() -> str | None:
    try:
        return os.confstr("CS_GNU_LIBC_VERSION")
    except (AttributeError, OSError, ValueError):
        return None


def check_tools() -> None:
    try:
        import ensurepip  # noqa: F401, PLC0415 - some systems have it in a package of its own
        import venv  # noqa: F401, PLC0415
    except ImportError as missing:
        fail(
            MISUSE,
            f"{sys.executable} lacks {missing.name}: install the system's package for it, python3-venv on Debian.",
        )


def check_place(venv: Path) -> None:
    if venv.exists() and not (venv / "pyvenv.cfg").exists() and (not venv.is_dir() or any(venv.iterdir())):
        fail(MISUSE, f"{venv} is there and is no virtual environment: name another place.")
    above = next(each for each in [venv.absolute(), *venv.absolute().parents] if each.exists())
    unpacked = sum(entry.file_size for wheel in HERE.glob("*.whl") for entry in zipfile.ZipFile(wheel).infolist())
    needed = unpacked * 6 // 5  # Python keeps its compiled code beside each source
    free = shutil.disk_usage(above).free
    if free < needed and not (venv / "pyvenv.cfg").exists():
        fail(
            SPACE,
            f"{above} has {free / 1e9:.1f} GB free, and the packages need {needed / 1e9:.1f} GB: name another place.",
        )


def main() -> None:
    check_sums()
    lines = (HERE / "target").read_text("utf-8").splitlines()
    told = {name: value for name, _, value in (line.partition("=") for line in lines)}
    check_python(told)
    check_machine(told)
    check_tools()
    check_place(Path(sys.argv[1]))


if __name__ == "__main__":
    main()
