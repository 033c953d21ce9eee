"""The samples of each subject, which take turns: in another order in each epoch, and none twice before all came."""

import numpy as np

from shardkit.stream.catalog import Catalog
from shardkit.stream.permutation import Integers, Key, drawn, keyed
from shardkit.stream.samplers.disk import Disk


class Subjects:
    """The subjects that have samples, by their numbers: 0 … S-1 here, and as `numbers` say in the catalog."""

    def __init__(self, catalog: Catalog) -> None:
        assert catalog.subjects is not None, "whoever asks for this sampler reads the subjects"
        self.numbers, self.sizes = np.unique(catalog.subjects, return_counts=True)
        self._shards = catalog.shards
        by_subject = np.argsort(catalog.subjects, kind="stable")
        self._samples = by_subject.astype(np.min_scalar_type(catalog.samples))  # as large as a split: kept narrow
        self._starts = np.cumsum(self.sizes) - self.sizes

    def __len__(self) -> int:
        return len(self.sizes)

    def met(self, seed: int, epoch: int) -> Integers:
        """The place of each subject's first sample on an epoch's way through the shards."""
        return Disk.shuffled(self._shards, seed, epoch).places(self._samples[self._starts].astype(np.int64))

    def drawn(self, subjects: Integers, turns: Integers, key: Key) -> Integers:
        """The samples that subjects show when their turn comes for the so-and-so-many-th time: `perm(n_s, …)[turn]`."""
        asked, which = np.unique(subjects, return_inverse=True)
        sizes = self.sizes[asked]
        starts = np.cumsum(sizes) - sizes
        owner = np.repeat(np.arange(len(asked)), sizes)
        entries = np.arange(len(owner)) - starts[owner]
        words = drawn(keyed(*key, self.numbers[asked])[owner], entries)
        shuffled = entries[np.lexsort((words, owner))]
        found: Integers = self._samples[self._starts[subjects] + shuffled[starts[which] + turns]].astype(np.int64)
        return found
