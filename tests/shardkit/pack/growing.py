"""A dataset that grows and shrinks: source trees with more and more in them, and what a dataset says of everybody."""

from pathlib import Path

from shardkit.cli.commands.append import append
from shardkit.cli.commands.pack import pack
from shardkit.cli.commands.remove import remove
from shardkit.reader.dataset import Dataset, open_dataset
from tests.packed import files
from tests.pictures import png


class KilledError(BaseException):
    """Stands for a kill: no code of ours handles it."""


SPLIT = "train=0.6,val=0.4"


def grown(root: Path, subjects: range, impressions: int) -> Path:
    for subject in subjects:
        for impression in range(impressions):
            path = root / f"s{subject:02}" / f"{impression}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(png(seed=100 * subject + impression))
    return root


def run_pack(source: Path, folder: Path, *more: str) -> None:
    command = [str(source), str(folder), "--split", SPLIT, "--shard-size", "2KB", "--workers", "1", *more]
    pack.main(command, standalone_mode=False)


def run_append(source: Path, folder: Path, *more: str) -> int:
    code = append.main([str(source), str(folder), "--workers", "1", *more], standalone_mode=False)
    assert isinstance(code, int)
    return code


def run_remove(folder: Path, *subjects: str) -> None:
    remove_from(folder, *(part for each in subjects for part in ("--subject", each)))


def remove_from(folder: Path, *arguments: str) -> None:
    """Remove without a question."""
    remove.main([str(folder), *arguments, "--yes"], standalone_mode=False)


def keys(dataset: Dataset) -> set[str]:
    return {each.key for shard in dataset.shards for each in dataset.samples(shard)}


def everybody(folder: Path) -> dict[str, tuple[str, int]]:
    """Who is in which split, under which label."""
    return {each.subject: (each.split, each.label) for each in open_dataset(folder).subjects}


def without_workplace(folder: Path) -> dict[bytes, bytes]:
    return {name: content for name, content in files(folder).items() if not name.startswith(b".shardkit/")}
