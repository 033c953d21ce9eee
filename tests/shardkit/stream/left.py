"""What a process has open."""

from pathlib import Path


def descriptors() -> set[tuple[str, str]]:
    """By their numbers, and what they stand for."""
    return {each for link in Path("/proc/self/fd").iterdir() if (each := (link.name, _target(link)))[1]}


def _target(link: Path) -> str:
    """Empty of the descriptor that the listing itself took."""
    try:
        return str(link.readlink())
    except FileNotFoundError:
        return ""
