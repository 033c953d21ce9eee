"""Open shards, and shards mapped into memory, for any number of threads.

A shard is opened once, and the number of open files is limited: the least recently used one is closed when its last
reader is done.

A copy by the kernel takes half as long again as one from a map. But a map whose pages cannot be read kills the process
(SIGBUS), where a read returns an error. So samples are taken from a map only after they were read once and found
intact, only if half of the free memory can hold the split, and never from a network file system, whose files another
machine can replace. The kernel can still drop pages later: if the local disk then fails, or the shard was truncated,
the process dies. Digests are compared every time. A map outlives its epoch and holds no descriptor.
"""

import resource
import threading
from collections import OrderedDict
from contextlib import ExitStack
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from shardkit.reader.shard import open_shard
from shardkit.schema import Shard
from shardkit.stream.read.sample_index import IntArray

_MOST = 512

_SHARE = 4
"""Of the files that this process may open, one in so many is ours."""


class ShardHandle:
    """A descriptor that closes with its last user; opening it has checked what lies there, and its size."""

    def __init__(self, path: Path, shard: Shard) -> None:
        self._stack = ExitStack()
        self.shard, self.path = shard, path
        self.descriptor = self._stack.enter_context(open_shard(path, shard)).descriptor

    def __del__(self) -> None:
        self._stack.close()


class ShardFiles:
    def __init__(self, folder: Path, shards: tuple[Shard, ...]) -> None:
        self._folder, self._shards = folder, shards
        self._open: OrderedDict[int, ShardHandle] = OrderedDict()
        self._lock = threading.Lock()
        self._most = max_open_shards()
        self._closes = len(shards) > self._most

    def __getitem__(self, number: int) -> ShardHandle:
        found = self._open.get(number)
        if found is None or self._closes:
            return self._opened(number)
        return found

    def with_own_descriptors(self) -> "ShardFiles":
        """The same shards by descriptors of their own."""
        return ShardFiles(self._folder, self._shards)

    def close(self) -> None:
        self._open.clear()  # without the lock, which a child may have inherited from a thread that held it

    def _opened(self, number: int) -> ShardHandle:
        with self._lock:  # or every thread would open what all of them come to at once
            if number not in self._open:
                shard = self._shards[number]
                self._open[number] = ShardHandle(self._folder / shard.name, shard)
            self._open.move_to_end(number)
            opened = self._open[number]
            while len(self._open) > self._most:
                self._open.popitem(last=False)
        return opened


def max_open_shards() -> int:
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return _MOST if soft == resource.RLIM_INFINITY else max(1, min(_MOST, soft // _SHARE))


Bytes = NDArray[np.uint8]


class MappedShards:
    """Of one process, for as long as it streams a split; where the split does not `fit`, nothing is mapped."""

    def __init__(self, samples: int, *, fit: bool) -> None:
        self._whole = np.zeros(samples if fit else 0, np.bool_)
        self._fit = fit
        self._maps: dict[int, Bytes] = {}

    def all_verified(self, numbers: IntArray) -> bool:
        """Whether all of these were read and found whole."""
        return self._fit and bool(self._whole[numbers].all())

    def mark_verified(self, numbers: IntArray) -> None:
        if self._fit:
            self._whole[numbers] = True

    def __call__(self, number: int, shard: ShardHandle) -> Bytes:
        """The bytes of a shard; its size was checked when it was opened."""
        found = self._maps.get(number)
        if found is None:
            found = self._maps[number] = _map_shard(shard)
        return found


def _map_shard(shard: ShardHandle) -> Bytes:
    import torch  # noqa: PLC0415 - who asks for an order alone can do without it

    path = f"/dev/fd/{shard.descriptor}"  # the file that was looked at, whatever its name stands for by now
    storage = torch.UntypedStorage.from_file(path, shared=False, nbytes=shard.shard.size)
    content: Bytes = torch.empty(0, dtype=torch.uint8).set_(storage).numpy()  # type: ignore[arg-type]  # torch says less
    content.flags.writeable = False
    return content
