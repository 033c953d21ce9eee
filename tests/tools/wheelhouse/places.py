"""Wheels without content, a folder of them that pip takes for its index, and rooms without a network."""

import os
import subprocess
import sys
import zipfile
from collections.abc import Iterable, Mapping
from functools import cache
from importlib.metadata import distribution
from pathlib import Path

ROOT = Path(__file__).parents[3]
THIS = f"{sys.version_info.major}.{sys.version_info.minor}"
LOCK = dict(line.split("==") for line in (ROOT / "requirements.lock").read_text().splitlines() if "==" in line)
Ended = subprocess.CompletedProcess[str]
NO_DIGESTS = "RECORD,,\n"


def stub(folder: Path, name: str, version: str, needs: Iterable[str] = (), tag: str = "py3-none-any") -> Path:
    """A wheel that is installed like any other and holds nothing."""
    folder.mkdir(exist_ok=True)
    spelled = name.replace("-", "_")
    info = f"{spelled}-{version}.dist-info"
    extras = sorted({need.partition("extra == ")[2].strip("'") for need in needs if "extra == " in need})
    lines = [f"Provides-Extra: {each}" for each in extras] + [f"Requires-Dist: {each}" for each in needs]
    wheel = folder / f"{spelled}-{version}-{tag}.whl"
    with zipfile.ZipFile(wheel, "w") as content:
        content.writestr(
            f"{info}/METADATA", "\n".join(["Metadata-Version: 2.1", f"Name: {name}", f"Version: {version}", *lines, ""])
        )
        content.writestr(f"{info}/WHEEL", f"Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: {tag}\n")
        content.writestr(f"{info}/RECORD", NO_DIGESTS)
    return wheel


def packed_again(folder: Path, name: str) -> Path:
    """The wheel that a package of this environment came from, in effect."""
    wheel = folder / f"{name}-{LOCK[name]}-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as content:
        for file in distribution(name).files or []:
            if file.suffix != ".pyc" and file.parts[0] != "..":
                content.write(str(file.locate()), str(file))
    return wheel


def index(folder: Path) -> Path:
    """All that shardkit without extras needs: click, and stubs in the locked versions."""
    names = [
        "blake3",
        "deflate",
        "isal",
        "llvmlite",
        "lz4",
        "numpy",
        "opencv-python-headless",
        "pyarrow",
        "rich",
        "xxhash",
        "zstandard",
    ]
    for name in names:
        stub(folder, name, LOCK[name])
    stub(folder, "numba", LOCK["numba"], [f"llvmlite=={LOCK['llvmlite']}", "colorama; sys_platform == 'win32'"])
    packed_again(folder, "click")
    return folder


def pip_sees(folder: Path, **more: str) -> Mapping[str, str]:
    """No index but this folder, whatever this machine's pip is told."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PIP_", "MAKE", "MFLAGS"))}
    return {**kept, "PIP_CONFIG_FILE": os.devnull, "PIP_NO_INDEX": "1", "PIP_FIND_LINKS": folder.as_uri(), **more}


def collect(folder: Path, environment: Mapping[str, str], *options: str) -> Ended:
    command = [sys.executable, "tools/dev/wheelhouse.py", str(folder), *options]
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)


@cache
def closed_room() -> tuple[str, ...]:
    """Before a command: a name space without any interface. Empty where the system gives none."""
    command = ("unshare", "--user", "--map-root-user", "--net")
    try:
        ended = subprocess.run([*command, "true"], capture_output=True, check=False)
    except FileNotFoundError:
        return ()
    return command if ended.returncode == 0 else ()


def offline(command: list[str], home: Path, **more: str) -> Ended:
    """Run in a home of its own and without a network; where that cannot be, with proxies that lead nowhere."""
    home.mkdir(exist_ok=True)
    nowhere = dict.fromkeys(("http_proxy", "https_proxy", "all_proxy"), "http://127.0.0.1:9")
    kept = {
        name: os.environ[name]
        for name in ("PATH", "LANG", "OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE")
        if name in os.environ
    }
    environment = {**kept, **nowhere, "HOME": str(home), **more}
    return subprocess.run(
        [*closed_room(), *command], cwd=home, env=environment, capture_output=True, text=True, check=False
    )
