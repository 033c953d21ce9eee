"""A small disk of one's own: code run on a tmpfs that only its process sees, and that goes with it."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

UNSHARE = shutil.which("unshare")
MOUNT = 'mount -t tmpfs -o "$1" none "$2" && cd "$2" && exec "$3" -c "$4"'


def run_on_disk(options: str, folder: Path, code: str) -> subprocess.CompletedProcess[str]:
    """Run Python `code` inside `folder`, which is a tmpfs mounted with `options`."""
    if UNSHARE is None or subprocess.run([UNSHARE, "-rm", "true"], capture_output=True, check=False).returncode:
        pytest.skip("no small disk can be mounted here: `unshare -rm true` fails")
    command = [UNSHARE, "-rm", "sh", "-c", MOUNT, "sh", options, str(folder), sys.executable, code]
    return subprocess.run(command, capture_output=True, text=True, check=False)
