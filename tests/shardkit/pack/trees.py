"""Small trees to scan, and what a scan of them says in plain Python values."""

import os
from collections.abc import Iterable
from pathlib import Path

from shardkit.pack.source.layout import Layout
from shardkit.pack.source.scan import ScanResult, scan


def planted(root: Path, *files: str | bytes) -> Path:
    """A tree with these files; each holds as many bytes as its path."""
    for file in files:
        path = root / os.fsdecode(file)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(bytes(len(os.fsencode(file))))
    return root


def scanned(root: Path, template: str | None = None, threads: int = 2) -> ScanResult:
    return scan(root, Layout.parse(template) if template else None, threads, lambda _: None)


def keys(result: ScanResult) -> list[str]:
    return sorted(f"{row['subject']}/{row['impression']}" for row in result.found.to_pylist())


def reasons(result: ScanResult) -> dict[bytes, str]:
    return {row["source"]: row["reason"] for row in result.skipped.to_pylist()}


def details(result: ScanResult) -> Iterable[str]:
    return result.skipped["detail"].to_pylist()  # type: ignore[no-any-return]  # pyarrow has no types
