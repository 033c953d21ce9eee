"""How long `shardkit --help` takes, beside a bare interpreter and beside click, which it stands on."""

import subprocess
import sys

from places import SHARDKIT
from report import publish_report, seconds


def main() -> None:
    commands = {
        "python -c pass, ms": [sys.executable, "-c", "pass"],
        "python -c 'import click', ms": [sys.executable, "-c", "import click"],
        "shardkit --help, ms": [SHARDKIT, "--help"],
    }
    publish_report("startup", {what: 1e3 * _seconds(command) for what, command in commands.items()})


def _seconds(command: list[str]) -> float:
    return seconds(lambda: subprocess.run(command, check=True, stdout=subprocess.DEVNULL), repeats=20)


if __name__ == "__main__":
    main()
