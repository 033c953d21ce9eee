"""What all batches of a pass have in common, and one in the making: slots, parts that fill them, tensors at the end."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray

from shardkit.errors import ShardkitError
from shardkit.stream.batch import Batch, State
from shardkit.stream.columns import Figure
from shardkit.stream.files import OpenShards
from shardkit.stream.lookup import NOBODY, Found, Lookup
from shardkit.stream.minutiae import MinutiaeReader, padded
from shardkit.stream.parts import Failed, Filler
from shardkit.stream.quarantine import Bad, Quarantine
from shardkit.stream.ring import Ring
from shardkit.stream.rows import Row
from shardkit.stream.serving import Serving
from shardkit.stream.slots import key_of, slot_for
from shardkit.stream.substitutes import substituted, substitutes

if TYPE_CHECKING:
    from shardkit.image.mnt import Minutiae as Points

OnBad = Literal["raise", "substitute"]
Numbers = NDArray[np.int64]
Transform = Callable[[NDArray[Any], int], NDArray[Any]]
"""Of an image and the number of its sample."""

_LABEL_OF_NOBODY = -1


@dataclass
class Assembly:
    lookup: Lookup
    shards: OpenShards
    serving: Serving
    ring: Ring
    quarantine: Quarantine
    state: Callable[[int], State]
    """The state behind a row."""
    on_bad: OnBad = "raise"
    as_list: bool = False
    check: bool = True
    mated: Callable[[Numbers], NDArray[np.bool_]] | None = None
    minutiae: MinutiaeReader | None = None
    transform: Transform | None = None
    filler: Filler = field(init=False)

    def __post_init__(self) -> None:
        self.filler = Filler(self.shards, self.lookup.kinds, self.serving, check=self.check)

    def begin(self, row: Row) -> "Making":
        return Making(self, row, self._slots(row.found))

    def _slots(self, found: Found) -> "NDArray[Any] | list[Any]":
        count = len(found.numbers)
        if self.as_list:
            return [None] * count
        slot = slot_for(found, self.lookup, self.serving)
        return self.ring.slots((count, *slot.shape), slot.type)


class Making:
    """Parts may be filled by several threads at once; `finish` comes after all of them."""

    def __init__(self, assembly: Assembly, row: Row, slots: "NDArray[Any] | list[Any]") -> None:
        self._assembly, self._row, self._found, self._slots = assembly, row.row, row.found, slots
        self._failed: list[Failed] = []
        self._minutiae: list[Points] = [] if assembly.minutiae is None else [None] * len(slots)  # type: ignore[list-item]  # filled before they are read
        self._transformed: list[Any] = [] if assembly.transform is None else [None] * len(slots)

    def fill(self, lines: range) -> None:
        failed = self._filled(self._found, lines)
        self._failed += failed  # one operation, which no other thread can come between

    def finish(self) -> Batch:
        for failed in sorted(self._failed, key=lambda each: each.line):
            self._mend(failed)
        found, assembly = self._found, self._assembly
        labels = np.where(found.numbers == NOBODY, _LABEL_OF_NOBODY, found.figures[:, Figure.LABEL])
        return Batch(
            images=self._images(),
            labels=torch.from_numpy(labels),
            numbers=torch.from_numpy(found.numbers),
            valid=torch.from_numpy(found.numbers != NOBODY),
            minutiae=padded(self._minutiae) if assembly.minutiae else None,
            mated=torch.from_numpy(assembly.mated(found.numbers)) if assembly.mated else None,
            keys=partial(_keys, found),
            state=partial(assembly.state, self._row),
        )

    def _filled(self, found: Found, lines: range) -> list[Failed]:
        failed = self._assembly.filler.fill(found, lines, self._slots)
        well = set(lines) - {each.line for each in failed}
        if self._assembly.minutiae is not None:
            failed += [each for line in sorted(well) if (each := self._read_minutiae(found, line))]
        if self._assembly.transform is not None:
            for line in sorted(well):
                self._transformed[line] = self._assembly.transform(self._slots[line], int(found.numbers[line]))
        return failed

    def _read_minutiae(self, found: Found, line: int) -> Failed | None:
        assert self._assembly.minutiae is not None, "they were asked for"
        try:
            self._minutiae[line] = self._assembly.minutiae.read(found, line)
        except ShardkitError as why:
            return Failed(line, why)
        return None

    def _mend(self, failed: Failed) -> None:
        """Serve another sample in the place of a bad one, the same on every machine; or raise, if none is wanted."""
        if self._assembly.on_bad == "raise":
            raise failed.why
        line, lookup = failed.line, self._assembly.lookup
        for number in substitutes(int(self._found.numbers[line]), len(lookup)):
            tried = substituted(self._found, line, lookup.find(np.array([number])))
            if not self._fits(tried, line) or self._filled(tried, range(line, line + 1)):
                continue
            self._assembly.quarantine.add(Bad(key_of(self._found, line), str(failed.why), key_of(tried, line)))
            self._found = tried
            return
        raise failed.why

    def _fits(self, found: Found, line: int) -> bool:
        if isinstance(self._slots, list):
            return True
        one = replace(found, numbers=found.numbers[[line]], figures=found.figures[[line]], shards=found.shards[[line]])
        slot = slot_for(one, self._assembly.lookup, self._assembly.serving)
        return (slot.shape, slot.type) == (self._slots.shape[1:], self._slots.dtype)

    def _images(self) -> "torch.Tensor | list[torch.Tensor]":
        if self._assembly.transform is not None:
            return torch.from_numpy(np.stack(self._transformed))
        first = self._assembly.serving.channels_first
        if isinstance(self._slots, list):
            return [_image(torch.from_numpy(np.asarray(each)), 2, channels_first=first) for each in self._slots]
        return _image(torch.from_numpy(self._slots), 3, channels_first=first)


def _image(pixels: torch.Tensor, plain: int, *, channels_first: bool) -> torch.Tensor:
    """Channels before rows, without a copy: `plain` is how many sides there are where there is no side of channels."""
    if pixels.ndim == plain:
        return pixels.unsqueeze(-3)
    return pixels if channels_first else pixels.movedim(-1, -3)


def _keys(found: Found) -> list[str]:
    return [key_of(found, line) for line in range(len(found.numbers))]
