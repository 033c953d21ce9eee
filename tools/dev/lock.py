"""Resolve every extra of pyproject.toml anew and write the exact versions into requirements.lock.

The file is a list of constraints: it says which version, never that a package is wanted. torch keeps the version that
it has there: it is moved by hand, since another build can pull gigabytes.
"""

import json
import re
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
LOCK = ROOT / "requirements.lock"
HEAD = "# Exact versions for every extra; made by `make lock`, used as constraints by the Makefile.\n"

Report = dict[str, Any]


def resolved(wanted: list[str]) -> Report:
    """What pip would install for `wanted` on an empty machine."""
    with tempfile.NamedTemporaryFile(suffix=".json") as report:
        quiet = ["--quiet", "--dry-run", "--ignore-installed", "--report", report.name]
        subprocess.run([sys.executable, "-m", "pip", "install", *quiet, *wanted], check=True, cwd=ROOT)
        return dict(json.load(report))


def pins(report: Report) -> list[str]:
    """A line for every package but our own. `2.13.0+cpu` and `2.13.0` are one version, built for different machines."""
    packages = (one["metadata"] for one in report["install"])
    versions = {_normalised(one["name"]): one["version"].partition("+")[0] for one in packages}
    return [f"{name}=={version}\n" for name, version in sorted(versions.items()) if name != "shardkit"]


def _normalised(name: str) -> str:
    """The one spelling that the index has for a name: a project may change between `A_b` and `a-b`."""
    return re.sub(r"[-_.]+", "-", name).lower()


def main() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    torch = next(line for line in LOCK.read_text().splitlines() if line.startswith("torch=="))
    extras = ",".join(project["project"]["optional-dependencies"])
    lines = pins(resolved([f".[{extras}]", torch, *project["build-system"]["requires"]]))
    LOCK.write_text(HEAD + "".join(lines))
    print(f"{LOCK.name}: {len(lines)} packages")


if __name__ == "__main__":
    main()
