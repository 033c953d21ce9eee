"""The shards that are open: each is opened once and read by any number of threads, and only so many are open at once.

The file that was used least lately makes room. It is closed when the last thread that reads from it has let go, and not
before.
"""

import resource
import threading
from collections import OrderedDict
from contextlib import ExitStack
from pathlib import Path

from shardkit.dataset import Shard
from shardkit.format.record import opened_shard

_MOST = 512
_SHARE = 4
"""Of the files that this process may open, one in so many is ours."""


class OpenShard:
    """A descriptor that closes with its last user; opening it has checked what lies there, and its size."""

    def __init__(self, path: Path, shard: Shard) -> None:
        self._stack = ExitStack()
        self.shard, self.path = shard, path
        self.descriptor = self._stack.enter_context(opened_shard(path, shard)).descriptor

    def __del__(self) -> None:
        self._stack.close()


class OpenShards:
    def __init__(self, folder: Path, shards: tuple[Shard, ...]) -> None:
        self._folder, self._shards = folder, shards
        self._open: OrderedDict[int, OpenShard] = OrderedDict()
        self._lock = threading.Lock()
        self._most = most_open_shards()
        self._closes = len(shards) > self._most

    def __getitem__(self, number: int) -> OpenShard:
        found = self._open.get(number)
        if found is None or self._closes:
            return self._opened(number)
        return found

    def apart(self) -> "OpenShards":
        """The same shards by descriptors of their own."""
        return OpenShards(self._folder, self._shards)

    def close(self) -> None:
        self._open.clear()  # without the lock, which a child may have inherited from a thread that held it

    def _opened(self, number: int) -> OpenShard:
        with self._lock:  # or every thread would open what all of them come to at once
            if number not in self._open:
                shard = self._shards[number]
                self._open[number] = OpenShard(self._folder / shard.name, shard)
            self._open.move_to_end(number)
            opened = self._open[number]
            while len(self._open) > self._most:
                self._open.popitem(last=False)
        return opened


def most_open_shards() -> int:
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return _MOST if soft == resource.RLIM_INFINITY else max(1, min(_MOST, soft // _SHARE))
