"""Shards as memory, for samples that were read before: what is in the page cache need not be copied to be looked at.

A copy by the kernel takes half as long again as one from a map. But a map whose pages cannot be read kills the process
(SIGBUS), where a read returns an error. So samples are taken from a map only after they were read once and found
intact, only if half of the free memory can hold the split, and never from a network file system, whose files can be
replaced by another machine. The kernel can still drop pages later: if the local disk then fails, or the shard was cut
off, the process dies. A digest is compared each time all the same. A map outlives the pass that made it, and holds no
descriptor.
"""

import numpy as np
from numpy.typing import NDArray

from shardkit.stream.columns import Integers
from shardkit.stream.files import OpenShard

Bytes = NDArray[np.uint8]


class Maps:
    """Of one process, for as long as it streams a split; where the split does not `fit`, nothing is mapped."""

    def __init__(self, samples: int, *, fit: bool) -> None:
        self._whole = np.zeros(samples if fit else 0, np.bool_)
        self._fit = fit
        self._maps: dict[int, Bytes] = {}

    def hold(self, numbers: Integers) -> bool:
        """Whether all of these were read and found whole."""
        return self._fit and bool(self._whole[numbers].all())

    def found_whole(self, numbers: Integers) -> None:
        if self._fit:
            self._whole[numbers] = True

    def __call__(self, number: int, shard: OpenShard) -> Bytes:
        """The bytes of a shard; its size was checked when it was opened."""
        found = self._maps.get(number)
        if found is None:
            found = self._maps[number] = _mapped(shard)
        return found


def _mapped(shard: OpenShard) -> Bytes:
    import torch  # noqa: PLC0415 - who asks for an order alone can do without it

    path = f"/dev/fd/{shard.descriptor}"  # the file that was looked at, whatever its name stands for by now
    storage = torch.UntypedStorage.from_file(path, shared=False, nbytes=shard.shard.size)
    content: Bytes = torch.empty(0, dtype=torch.uint8).set_(storage).numpy()  # type: ignore[arg-type]  # torch says less
    content.flags.writeable = False
    return content
