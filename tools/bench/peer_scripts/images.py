"""What every peer's writer does alike: it takes a tree and an empty folder, and says how long it wrote."""

import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

WORKERS = 2


@dataclass(frozen=True)
class LabelledImage:
    path: Path
    label: int

    @property
    def key(self) -> str:
        return f"{self.path.parent.name}/{self.path.stem}"

    @property
    def extension(self) -> str:
        return self.path.suffix[1:]


def images_below(tree: Path) -> list[LabelledImage]:
    """Every file, with its subject's number as the label."""
    paths = sorted(path for path in tree.rglob("*.*") if path.is_file())
    labels = {subject: label for label, subject in enumerate(sorted({path.parent for path in paths}))}
    return [LabelledImage(path, labels[path.parent]) for path in paths]


def timed(write: Callable[[list[LabelledImage], Path], None]) -> None:
    """Print the seconds, listing included, imports not: last on stdout, where peers talk as well."""
    tree, out = map(Path, sys.argv[1:])
    start = time.perf_counter()
    write(images_below(tree), out)
    print(time.perf_counter() - start, flush=True)
