"""A file in pieces, for every test that publishes one."""

from pathlib import Path

from shardkit.storage.atomic import publish

# More than a buffer, in pieces that no buffer divides.
PIECES = [bytes([i]) * 30_011 for i in range(3)]
WHOLE = b"".join(PIECES)


def publish_pieces(path: Path) -> None:
    with publish(path) as file:
        for piece in PIECES:
            file.write(piece)


def names_in(folder: Path) -> list[str]:
    return sorted(entry.name for entry in folder.iterdir())
