"""A small dataset with everything in it: two splits, several shards, sidecars, a skipped input."""

from pathlib import Path

import click

from shardkit.cli.pack import pack
from tests.pictures import damaged, png

OPTIONS = ("--split", "train=0.7,val=0.3", "--shard-size", "9KB", "--workers", "2")


def tree(root: Path, subjects: int = 9) -> Path:
    for subject in range(subjects):
        folder = root / f"{subject:03}"
        folder.mkdir(parents=True)
        for impression in range(3):
            seed = 10 * subject + impression
            (folder / f"{impression}.png").write_bytes(png(shape=(20 + seed % 7, 30), seed=seed))
            if impression == 1:
                (folder / f"{impression}.json").write_text(f'{{"seed": {seed}}}')
    (root / "000" / "bad.png").write_bytes(damaged()["cut in the pixels"][0])
    return root


def packed(root: Path, folder: Path, *options: str) -> Path:
    pack.main([str(root), str(folder), *(options or OPTIONS)], standalone_mode=False)
    return folder


def files(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def run(command: click.Command, *args: str | Path) -> int:
    code = command.main([str(arg) for arg in args], standalone_mode=False)
    assert isinstance(code, int)
    return code
