"""A small dataset with everything in it: splits, shards, sidecars, skipped inputs; and ways to damage it."""

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import click
import pyarrow as pa

from shardkit.cli.commands.pack import pack
from shardkit.format.digests import rows_digest
from shardkit.format.generation import generation_digest
from shardkit.format.manifest import encode_backup, manifest_bytes
from shardkit.format.tables import INDEX, SHARDS, rows_to_table, write_table
from shardkit.reader.dataset import open_dataset
from shardkit.schema import MANIFEST, Shard
from shardkit.storage.folder import DatasetFolder
from shardkit.storage.local import hash_file
from shardkit.verify.findings import Finding
from shardkit.verify.repair.pipeline import RepairResult, repair
from shardkit.verify.verifier import Level, Report, prepare_verification, run_verification
from tests.pictures import damaged, png

ChangeRows = Callable[[Shard, pa.Table], pa.Table]
ChangeShards = Callable[[list[Shard]], list[Shard]]

OPTIONS = ("--split", "train=0.7,val=0.3", "--shard-size", "9KB", "--workers", "2", "--sha256")


@dataclass(frozen=True)
class Small:
    source: Path
    folder: Path

    def verified(self, level: Level = Level.BYTES) -> Report:
        return run_verification(prepare_verification(self.folder), level, 2, lambda _samples, _size: None)

    def findings(self, level: Level = Level.BYTES) -> tuple[Finding, ...]:
        return self.verified(level).findings

    def repaired(self, source: Path | None = None) -> RepairResult:
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


def forged(folder: Path, change_rows: ChangeRows, change_shards: ChangeShards = list) -> None:
    """Change rows of the index, or the table of shards, and seal everything anew: only a lie remains."""
    dataset = open_dataset(folder)
    groups: dict[str, list[pa.Table]] = {}
    shards: list[Shard] = []
    for shard in dataset.shards:
        rows = change_rows(shard, dataset.rows(shard))
        groups.setdefault(shard.index, []).append(rows)
        shards.append(replace(shard, rows=rows_digest(rows)))
    for name, tables in groups.items():
        write_table(DatasetFolder(folder), name, INDEX, tables)
    generation = replace(dataset.generation, digest=generation_digest(shards))
    rows = rows_to_table(change_shards(shards), SHARDS)
    write_table(DatasetFolder(folder), generation.shards, SHARDS, [rows], encode_backup(dataset.manifest, generation))
    files = {name: hash_file(folder / name) for name in dataset.manifest.files}
    manifest = replace(dataset.manifest, generations=(generation,), files=files)
    (folder / MANIFEST).write_bytes(manifest_bytes(manifest))


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
