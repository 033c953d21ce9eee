"""What a repair works on, and what it comes to."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from shardkit.dataset import Generation, Manifest, Sample, Shard
from shardkit.errors import Damaged
from shardkit.format.opened import Dataset
from shardkit.format.tables import samples_of
from shardkit.verify.columns import sealed_rows
from shardkit.verify.findings import Finding
from shardkit.verify.reading import UNREADABLE


@dataclass
class Mending:
    folder: Path
    manifest: Manifest
    source: Path | None
    findings: tuple[Finding, ...]
    say: Callable[[str], None]
    stale: set[str] = field(default_factory=set)
    """Files that must follow others that were written again."""
    rewritten: set[str] = field(default_factory=set)
    left: list[str] = field(default_factory=list)
    """What cannot be mended, and why."""
    quarantine: list[tuple[str, str, str]] = field(default_factory=list)
    """(shard, key, why) of samples whose bytes are lost."""

    @property
    def broken(self) -> set[str]:
        return {finding.file for finding in self.findings} | self.stale

    @property
    def dataset(self) -> Dataset:
        """As it can be read now: a step changes what the next one finds."""
        return Dataset(self.folder, self.manifest, self.manifest.current)

    def at(self, generation: Generation) -> Dataset:
        return Dataset(self.folder, self.manifest, generation)

    def own(self, generation: Generation) -> list[Shard]:
        """The shards that a generation's own tables describe."""
        return own_shards(self.at(generation), generation)

    def samples(self, shard: Shard) -> list[Sample] | None:
        """The rows of a shard, if they are those that were sealed."""
        try:
            rows = sealed_rows(self.dataset, shard)
            return None if rows is None else samples_of(rows)
        except UNREADABLE:
            return None

    def mended(self, file: str, how: str) -> None:
        self.rewritten.add(file)
        self.say(f"{file}: {how}")

    @contextmanager
    def going_on(self) -> Iterator[None]:
        """A step that needs what is damaged and could not be mended ends; others may not need it."""
        try:
            yield
        except Damaged as error:
            self.left.append(str(error))

    def give_up(self, file: str, why: str) -> None:
        self.left.append(f"{file}: {why}")
        self.say(f"{file}: cannot be mended. {why}")


def own_shards(dataset: Dataset, generation: Generation) -> list[Shard]:
    first = dataset.manifest.generations[0]
    return [each for each in dataset.shards if generation is first or each.generation == generation.number]
