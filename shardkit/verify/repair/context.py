"""State of a repair that its steps share: findings, the dataset, rewritten files, and what could not be repaired."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from shardkit.errors import NoSpace, ShardkitError, StorageFailing
from shardkit.format.tables import samples_of
from shardkit.reader.dataset import Dataset
from shardkit.schema import Generation, Manifest, Sample, Shard
from shardkit.storage.folder import DatasetFolder
from shardkit.storage.local import READ_ERRORS
from shardkit.verify.findings import Finding
from shardkit.verify.member_table import verified_rows


@dataclass
class RepairContext:
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
    _read: dict[int, Dataset] = field(default_factory=dict)
    """Generations whose tables were read since the last step that wrote."""

    @property
    def broken(self) -> set[str]:
        return {finding.file for finding in self.findings} | self.stale

    @property
    def inside(self) -> DatasetFolder:
        """The one way to write: nothing outside the dataset is touched."""
        return DatasetFolder(self.folder)

    @property
    def dataset(self) -> Dataset:
        return self.dataset_at(self.manifest.current)

    def dataset_at(self, generation: Generation) -> Dataset:
        """Return a generation as it can be read now: its tables are read again after a step has written."""
        if generation.number not in self._read:
            self._read[generation.number] = Dataset(self.folder, self.manifest, generation)
        return self._read[generation.number]

    def before(self, generation: Generation) -> Dataset | None:
        """Return the dataset as it was before a generation; None before the first."""
        earlier = [each for each in self.manifest.generations if each.number < generation.number]
        return self.dataset_at(earlier[-1]) if earlier else None

    def use(self, manifest: Manifest) -> None:
        """Go on with another manifest."""
        self.manifest = manifest
        self._read.clear()

    def shards_of(self, generation: Generation) -> list[Shard]:
        """The shards that a generation's own tables describe."""
        return own_shards(self.dataset_at(generation), generation)

    def samples(self, shard: Shard) -> list[Sample] | None:
        """The rows of a shard, if they are those that were sealed."""
        try:
            rows = verified_rows(self.dataset, shard)
            return None if rows is None else samples_of(rows)
        except READ_ERRORS:
            return None

    def repaired(self, file: str, how: str) -> None:
        self.rewritten.add(file)
        self._read.clear()
        self.say(f"{file}: {how}")

    @contextmanager
    def isolated(self) -> Iterator[None]:
        """Record why a step ended early: another step may not need what it lacked. A disk that fails ends them all."""
        try:
            yield
        except (NoSpace, StorageFailing):
            raise
        except ShardkitError as error:
            self.left.append(str(error))
            self.say(str(error))

    def unrepairable(self, file: str, why: str) -> None:
        self.left.append(f"{file}: {why}")
        self.say(f"{file}: cannot be mended. {why}")


def own_shards(dataset: Dataset, generation: Generation) -> list[Shard]:
    first = dataset.manifest.generations[0]
    return [each for each in dataset.shards if generation is first or each.generation == generation.number]
