"""The peers that we measure ourselves against, in an environment of their own: `python peers.py` makes `.bench-peers/`.

Each is installed by itself and tried. One that cannot be had on this machine is missing, and every report says why.
What is there for these versions stays; removing the folder tries the missing ones again.
"""

import json
import subprocess
import sys
import venv
from dataclasses import asdict, dataclass
from pathlib import Path

from places import BENCH, ROOT

ENVIRONMENT = ROOT / ".bench-peers"
PYTHON = str(ENVIRONMENT / "bin" / "python")
RECORD = ENVIRONMENT / "peers.json"
PINS = Path(__file__).with_suffix(".txt")
PATIENCE = 900  # seconds, for one peer that has to be compiled
EVERYONE = ("numpy", "opencv-python-headless", "pillow", "torch")


@dataclass(frozen=True)
class Peer:
    installs: tuple[tuple[str, ...], ...]
    proof: str
    """Modules that import what we use of it."""
    elsewhere: str = ""


@dataclass(frozen=True)
class Found:
    pins: str
    versions: dict[str, str]
    missing: dict[str, str]


# FFCV asks for opencv-python, which lies on the same files as opencv-python-headless and wants a display.
FFCV_NEEDS = ("assertpy", "fastargs", "numba", "psutil", "pytorch-pfn-extras", "terminaltables", "tqdm")
FFCV_ELSEWHERE = (
    "it needs a compiler, pkg-config, libopencv-dev and libturbojpeg0-dev; "
    "where it could be built, its writer took 7.5 s for 4 000 images"
)
PEERS = {
    "webdataset": Peer((("webdataset",),), "peer_scripts.write_webdataset, peer_scripts.read_webdataset"),
    "mosaicml-streaming": Peer((("mosaicml-streaming",),), "peer_scripts.write_mosaicml, peer_scripts.read_mosaicml"),
    "litdata": Peer((("litdata",),), "peer_scripts.write_litdata, peer_scripts.read_litdata"),
    "megatron-energon": Peer((("megatron-energon",),), "peer_scripts.write_energon, peer_scripts.read_energon"),
    "ffcv": Peer(
        (FFCV_NEEDS, ("--no-deps", "ffcv")), "peer_scripts.write_ffcv, peer_scripts.read_ffcv", FFCV_ELSEWHERE
    ),
    "spdl": Peer((("spdl",),), "peer_scripts.read_spdl"),
}


def found() -> Found:
    if not RECORD.exists():
        sys.exit(f"There is no environment for peers yet. Run: {Path(sys.executable).name} {BENCH.name}/peers.py")
    return Found(**json.loads(RECORD.read_text()))


def set_up() -> Found:
    pins = PINS.read_text()
    if RECORD.exists() and (before := found()).pins == pins:
        return before
    venv.create(ENVIRONMENT, clear=True, with_pip=True)
    missing = {name: why for name, peer in PEERS.items() if (why := _missing(peer))}
    versions = {name: version for name, version in _versions().items() if name in {*PEERS, *EVERYONE} - {*missing}}
    now = Found(pins, versions, missing)
    RECORD.write_text(json.dumps(asdict(now), indent=1) + "\n")
    return now


def _missing(peer: Peer) -> str:
    """Why it cannot be had here; nothing if it can."""
    try:
        for packages in (EVERYONE, *peer.installs):
            _checked(_pip(*packages))
        _checked([PYTHON, "-c", f"import {peer.proof}"])
    except subprocess.SubprocessError as error:
        return "; ".join(filter(None, (_reason(error), peer.elsewhere)))
    return ""


def _reason(error: subprocess.SubprocessError) -> str:
    """The last line that speaks of an error: behind it pip only says whom not to blame."""
    if not isinstance(error, subprocess.CalledProcessError):
        return str(error)
    talk: str = error.stderr
    lines = [str(error), *map(str.strip, talk.splitlines())]
    return next((line for line in reversed(lines) if "Error: " in line), lines[-1])


def _versions() -> dict[str, str]:
    listed = json.loads(_checked([PYTHON, "-m", "pip", "list", "--format", "json"]))
    return {each["name"].lower().replace("_", "-"): each["version"] for each in listed}


def _pip(*packages: str) -> list[str]:
    return [PYTHON, "-m", "pip", "install", "--quiet", "--constraint", str(PINS), *packages]


def _checked(command: list[str]) -> str:
    ended = subprocess.run(command, check=True, capture_output=True, text=True, cwd=BENCH, timeout=PATIENCE)
    return ended.stdout


def main() -> None:
    peers = set_up()
    for name in PEERS:
        print(f"{name} {peers.versions[name]}" if name in peers.versions else f"{name} missing: {peers.missing[name]}")


if __name__ == "__main__":
    main()
