"""What a folder costs the disk, and how to hurt one file of it."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Cost:
    files: int
    content: int
    """Bytes."""
    blocks: int
    """Bytes of the disk that they fill, whole or in part."""

    def __str__(self) -> str:
        lost = (self.blocks - self.content) / self.blocks if self.blocks else 0.0
        return (
            f"{self.files:,} files and inodes, {self.content / 1e6:,.1f} MB of content in "
            f"{self.blocks / 1e6:,.1f} MB of disk ({lost:.0%} lost in half-filled blocks)"
        )


def cost_of(folder: Path) -> Cost:
    files = [path.stat() for path in folder.rglob("*") if path.is_file()]
    return Cost(len(files), sum(file.st_size for file in files), sum(512 * file.st_blocks for file in files))


def flip_a_bit(file: Path) -> str:
    """In its middle; return where."""
    place = file.stat().st_size // 2
    with file.open("r+b") as content:
        content.seek(place)
        byte = content.read(1)[0]
        content.seek(place)
        content.write(bytes([byte ^ 1]))
    return f"byte {place:,} of {file}"
