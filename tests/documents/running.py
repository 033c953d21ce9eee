"""Run a document from its top to its end, in a folder of its own, as a reader who types what it shows."""

import os
import subprocess
import sys
import warnings
from contextlib import chdir
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.documents.options import unknown
from tests.documents.parts import Block, blocks

ROOT = Path(__file__).parents[2]
PATIENCE = 120
_LANGUAGES = {"", "sh", "python", "text", "toml", "csv", "json"}
_MAKE = "make "
_INSTALL = ("pip install", "python3 -m venv")


@dataclass
class Reader:
    name: str
    """Of the document."""
    folder: Path
    programs: bool = True
    """Whether it runs the Python that is shown as well."""
    names: dict[str, Any] = field(default_factory=lambda: {"__name__": "__main__"})
    ran: int = 0

    def read(self, document: str) -> None:
        for block in blocks(document):
            self._follow(block)

    def _follow(self, block: Block) -> None:
        assert block.language in _LANGUAGES, f"{self.name}:{block.line}: nobody runs a block of {block.language!r}"
        if "file" in block.marks:
            path = self.folder / block.marks["file"]
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(f"{block.text}\n")
        elif block.language in {"", "sh"}:
            self._type(block)
        elif block.language == "python" and self.programs and "elsewhere" not in block.marks:
            self._run(block)

    def _type(self, block: Block) -> None:
        for number, command in enumerate(block.commands, 1):
            wrong = list(unknown(command))
            assert not wrong, f"{self.name}:{block.line}: there is no {wrong[0]}, in `{command}`"
            if "elsewhere" in block.marks or command.startswith(_INSTALL):
                continue
            if command.startswith(_MAKE):
                self._look_up(command, block)
                continue
            last = number == len(block.commands)
            self._typed(command, block, int(block.marks.get("ends", 0)) if last else 0)

    def _typed(self, command: str, block: Block, expected: int) -> None:
        ended = subprocess.run(
            ["/bin/bash", "-o", "pipefail", "-c", command],
            cwd=self.folder,
            env=_environment(),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            timeout=PATIENCE,
        )
        self.ran += 1
        said = f"{ended.stdout}\n{ended.stderr}"[-3000:]
        assert ended.returncode == expected, (
            f"{self.name}:{block.line}: `{command}` ended with {ended.returncode}, not {expected}, and said:\n{said}"
        )

    def _run(self, block: Block) -> None:
        program = compile("\n" * block.line + block.text, self.name, "exec")
        with chdir(self.folder), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # frameworks warn of what they do themselves
            exec(program, self.names)  # noqa: S102 - our own documents
        self.ran += 1

    def _look_up(self, command: str, block: Block) -> None:
        target = command.split()[1]
        assert f"\n{target}:" in (ROOT / "Makefile").read_text(), (
            f"{self.name}:{block.line}: the Makefile has no target {target}"
        )


def _environment() -> dict[str, str]:
    """One thread for arithmetic: other tests run beside this one. `.venv/bin/` of README is the environment itself."""
    programs = str(Path(sys.executable).parent)
    return {**os.environ, "PATH": f"{programs}:{os.environ['PATH']}", "OMP_NUM_THREADS": "1", "NO_COLOR": "1"}
