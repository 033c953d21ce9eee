"""A little dataset, packed as a user would, from a tree whose names are as awkward as names get."""

import os
from pathlib import Path

from shardkit.cli.commands.pack import pack
from tests.pictures import png

SUBJECTS = (
    b"000123",
    b"100%",
    b"S.1",
    b"caf\xe9",  # no UTF-8
    b"cafe\xcc\x81",  # NFD, and its NFC twin
    b"caf\xc3\xa9",
    b"new\nline",
    b"red\x1b[31m",
    b"two words ",
)
IMPRESSIONS = (b"04", b"5 of 9", b"a.b.c")


def tree(root: Path) -> Path:
    """The source: every image with minutiae, every second one with JSON too."""
    names = [(subject, impression) for subject in SUBJECTS for impression in IMPRESSIONS]
    for number, (subject, impression) in enumerate(names):
        stem = root / os.fsdecode(subject) / os.fsdecode(impression)
        stem.parent.mkdir(parents=True, exist_ok=True)
        write(stem, ".png", png(seed=number))
        write(stem, ".mnt", b"minutiae of %d\n" % number)
        if number % 2:
            write(stem, ".json", b'{"number": %d}' % number)
    return root


def packed(tmp_path: Path, **options: object) -> Path:
    """Pack the tree in `tmp_path/source`, made if it is not there; the options are those of the command line."""
    source, folder = tmp_path / "source", tmp_path / "packed"
    if not source.exists():
        tree(source)
    pack.main([str(source), str(folder), *arguments(options)], standalone_mode=False)
    return folder


def arguments(options: dict[str, object]) -> list[str]:
    said = {"shard_size": "2KB", "workers": 1, **options}
    flags = {f"--{name.replace('_', '-')}": value for name, value in said.items()}
    return [each for flag, value in flags.items() for each in ([flag] if value is True else [flag, str(value)])]


def files(root: Path) -> dict[bytes, bytes]:
    """Every file below a folder, by its path as bytes."""
    paths = (Path(folder, name) for folder, _, names in os.walk(root) for name in names)
    return {os.fsencode(path.relative_to(root)): path.read_bytes() for path in paths}


def write(stem: Path, ending: str, content: bytes) -> None:
    Path(f"{stem}{ending}").write_bytes(content)
