"""Resolve every extra of pyproject.toml anew and write the exact versions into requirements.lock.

The file is a list of constraints: it says which version, never that a package is wanted. torch keeps the version that
it has there: it is moved by hand, since another build can pull gigabytes.
"""

import json
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LOCK = ROOT / "requirements.lock"
HEAD = "# Exact versions for every extra; made by `make lock`, used as constraints by the Makefile.\n"


def resolved(wanted: list[str]) -> dict[str, str]:
    """Ask pip what it would install for `wanted` on an empty machine."""
    with tempfile.NamedTemporaryFile(suffix=".json") as report:
        quiet = ["--quiet", "--dry-run", "--ignore-installed", "--report", report.name]
        subprocess.run([sys.executable, "-m", "pip", "install", *quiet, *wanted], check=True, cwd=ROOT)
        installs = json.load(report)["install"]
    return {one["metadata"]["name"].lower(): one["metadata"]["version"].partition("+")[0] for one in installs}


def main() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    torch = next(line for line in LOCK.read_text().splitlines() if line.startswith("torch=="))
    extras = ",".join(project["project"]["optional-dependencies"])
    versions = resolved([f".[{extras}]", torch, *project["build-system"]["requires"]])
    versions.pop("shardkit")
    LOCK.write_text(HEAD + "".join(f"{name}=={version}\n" for name, version in sorted(versions.items())))
    print(f"{LOCK.name}: {len(versions)} packages")


if __name__ == "__main__":
    main()
