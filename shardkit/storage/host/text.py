"""The small files in which a kernel says what it knows."""

from pathlib import Path


def text_of(path: Path) -> str:
    """What the file says, without its line break; nothing where this kernel has no such file, or keeps it to itself."""
    try:
        return path.read_text(encoding="utf-8", errors="surrogateescape").removesuffix("\n")
    except OSError:
        return ""
