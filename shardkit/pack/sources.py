"""Where the bytes of samples come from: the files of a tree, or one file of arrays."""

import os
from pathlib import Path
from typing import Protocol

from shardkit.pack.arrays_source import ArraysFile
from shardkit.pack.options import PackOptions
from shardkit.pack.reading import Tree


class Source(Protocol):
    def read(self, source: bytes, size: int, mtime_ns: int, into: memoryview) -> None:
        """Fill `into` with what the plan found there, so many bytes of that time."""

    def close(self) -> None: ...


def source_for(root: Path, options: PackOptions) -> Source:
    return ArraysFile(root, options) if options.arrays else Tree(os.fsencode(root))
