"""A small dataset with everything in it: splits, shards, sidecars, skipped inputs; and ways to damage it."""

import random
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import click

from shardkit.cli.pack import pack
from shardkit.verify.findings import Finding
from shardkit.verify.levels import Level, Report, begun, verify
from shardkit.verify.repair import Repaired, repair
from tests.pictures import damaged, png

OPTIONS = ("--split", "train=0.7,val=0.3", "--shard-size", "9KB", "--workers", "2", "--sha256")


@dataclass(frozen=True)
class Small:
    source: Path
    folder: Path

    def verified(self, level: Level = Level.BYTES) -> Report:
        return verify(begun(self.folder), level, 2, lambda _samples, _size: None)

    def findings(self, level: Level = Level.BYTES) -> tuple[Finding, ...]:
        return self.verified(level).findings

    def repaired(self, source: Path | None = None) -> Repaired:
        return repair(self.folder, source, lambda _line: None, self.verified)

    @property
    def files(self) -> dict[str, bytes]:
        return files(self.folder)

    @property
    def tars(self) -> list[Path]:
        return sorted(self.folder.glob("*.tar"))

    def put(self, contents: dict[str, bytes]) -> None:
        """Make the folder hold these files and no others."""
        for name in self.files.keys() - contents.keys():
            (self.folder / name).unlink()
        for name, content in contents.items():
            (self.folder / name).parent.mkdir(parents=True, exist_ok=True)
            (self.folder / name).write_bytes(content)


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
    (root / "001" / "folder.png").mkdir()
    return root


def packed(root: Path, folder: Path, *options: str) -> Path:
    run(pack, root, folder, *(options or OPTIONS))
    return folder


def files(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def flips(contents: dict[str, bytes], count: int, seed: int) -> Iterator[tuple[str, int, bytes]]:
    """Random bits, half of them in files chosen alike, half in bytes: name, offset, and what becomes of the file."""
    chance = random.Random(seed)  # noqa: S311 - the same flips every time
    names = sorted(name for name, content in contents.items() if content)
    sizes = [len(contents[name]) for name in names]
    for number in range(count):
        name = chance.choice(names) if number % 2 else chance.choices(names, sizes)[0]
        offset = chance.randrange(len(contents[name]))
        yield name, offset, flipped(contents[name], offset, chance.randrange(8))


def flipped(content: bytes, offset: int, bit: int = 0) -> bytes:
    changed = bytearray(content)
    changed[offset] ^= 1 << bit
    return bytes(changed)


def run(command: click.Command, *args: str | Path) -> int:
    code = command.main([str(arg) for arg in args], standalone_mode=False)
    assert isinstance(code, int)
    return code
