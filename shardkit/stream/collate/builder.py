"""Builder of a batch: slots filled by threads, replacement of bad samples, the user's transform, and tensors.

First comes what all batches of an epoch share. The random generator of a transform depends on seed, epoch and sample
only, so its result is the same whenever and wherever it is repeated.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray

from shardkit.errors import ShardkitError, UsageError
from shardkit.stream.checkpoint import StateAt
from shardkit.stream.collate.bad_samples import (
    BadSample,
    BadSlot,
    Quarantine,
    ReplacementFinder,
    ReplacementPlan,
    with_replacement,
)
from shardkit.stream.collate.batch import Batch
from shardkit.stream.collate.buffers import Buffer, BufferPool
from shardkit.stream.collate.minutiae import MinutiaeReader, pad_minutiae
from shardkit.stream.options import OnBad, State
from shardkit.stream.read.decoder import Decoder, common_slot_spec
from shardkit.stream.read.row_planner import PlannedRow
from shardkit.stream.read.sample_index import EMPTY_SLOT, Field, IndexRows, SampleIndex, slot_key
from shardkit.stream.read.shard_files import MappedShards, ShardFiles
from shardkit.stream.read.slot_filler import FailedSlot, SlotFiller

if TYPE_CHECKING:
    from shardkit.stream.collate.minutiae import MinutiaeArray as Points


IntArray = NDArray[np.int64]

Transform = Callable[[NDArray[Any], int], NDArray[Any]]
"""Of an image and the number of its sample."""


@dataclass
class Collator:
    lookup: SampleIndex
    shards: ShardFiles
    serving: Decoder
    ring: BufferPool
    maps: MappedShards
    quarantine: Quarantine
    state: Callable[[int], State | StateAt]
    """The state behind a row."""
    planned: Callable[[int], IntArray]
    """The samples of a row, over all ranks."""
    substitutes: ReplacementFinder
    on_bad: OnBad = "raise"
    as_list: bool = False
    check: bool = True
    mated: Callable[[IntArray], NDArray[np.bool_]] | None = None
    minutiae: MinutiaeReader | None = None
    transform: Transform | None = None
    filler: SlotFiller = field(init=False)

    def __post_init__(self) -> None:
        self.filler = SlotFiller(self.shards, self.lookup.kinds, self.serving, self.maps, check=self.check)

    def slots(self, found: IndexRows) -> Buffer | None:
        """Room for the images of a row; None if each is to have its own."""
        if self.as_list:
            return None
        slot = common_slot_spec(found, self.lookup, self.serving)
        return self.ring.slots((len(found.numbers), *slot.shape), slot.type)


def sample_rng(seed: int, epoch: int, number: int) -> np.random.Generator:
    """Of one sample in one epoch, whatever the rank, the batch or the thread."""
    return np.random.default_rng((seed, epoch, number))


_LABEL_OF_NOBODY = -1

_PLAIN = 2
"""Sides of an image without a side of channels."""


class BatchBuilder:
    """Parts may be filled by several threads at once; `finish` comes after all of them."""

    def __init__(self, assembly: Collator, row: PlannedRow) -> None:
        self._assembly, self._row, self._found = assembly, row.row, row.found
        self._failed: list[FailedSlot] = []
        slots = assembly.slots(row.found)
        count = len(row.found.numbers)
        self._stack = slots and slots.tensor
        self._slots: NDArray[Any] | list[Any] = slots.array if slots else [None] * count
        self._minutiae: dict[int, Points] = {}
        self._transformed: dict[int, NDArray[Any]] = {}

    def fill(self, lines: range) -> None:
        self._failed.extend(self._filled(self._found, lines))

    def finish(self) -> Batch:
        self._replace_failed()
        found, assembly = self._found, self._assembly
        there = found.numbers != EMPTY_SLOT
        return Batch(
            images=self._images(),
            labels=torch.from_numpy(np.where(there, found.figures[:, Field.LABEL], _LABEL_OF_NOBODY)),
            numbers=torch.from_numpy(found.numbers.copy()),
            valid=torch.from_numpy(there),
            minutiae=pad_minutiae(_in_slot_order(self._minutiae)) if assembly.minutiae else None,
            mated=torch.from_numpy(assembly.mated(found.numbers)) if assembly.mated else None,
            keys=partial(_keys, found),
            state=assembly.state(self._row),
        )

    def _filled(self, found: IndexRows, lines: range) -> list[FailedSlot]:
        failed = self._assembly.filler.fill(found, lines, self._slots)
        if self._assembly.minutiae is None and self._assembly.transform is None:
            return failed
        well = sorted({*lines} - {each.line for each in failed})
        return failed + [each for line in well if (each := self._postprocess(found, line))]

    def _postprocess(self, found: IndexRows, line: int) -> FailedSlot | None:
        """What is done to one sample by itself, besides decoding it."""
        minutiae, transform = self._assembly.minutiae, self._assembly.transform
        try:
            if minutiae is not None:
                self._minutiae[line] = minutiae.read(found, line)
        except ShardkitError as why:
            return FailedSlot(line, why)
        if transform is not None and found.numbers[line] != EMPTY_SLOT:
            self._transformed[line] = to_array(transform(self._slots[line], int(found.numbers[line])))
        return None

    def _replace_failed(self) -> None:
        """Serve other samples in the place of bad ones, the same on every machine; or raise, if none is wanted."""
        planned, replaced = self._found, set[int]()
        failed = sorted(self._failed, key=lambda each: each.line)
        for each in failed:
            if each.line not in replaced:
                replaced.update(self._replace(planned, each.line, each.why))
        for each in failed:
            bad = BadSample(slot_key(planned, each.line), str(each.why), slot_key(self._found, each.line))
            self._assembly.quarantine.add(bad)

    def _replace(self, planned: IndexRows, line: int, why: ShardkitError) -> range:
        """Return the lines that hold other samples now."""
        if self._assembly.on_bad == "raise":
            raise why
        row = self._assembly.planned(self._row)
        place = BadSlot(int(planned.numbers[line]), line, self._found.numbers, row)
        for plan in self._assembly.substitutes.plans(place):
            if (found := self._served_instead(plan)) is not None:
                self._found = found
                return plan.lines
        raise why

    def _served_instead(self, plan: ReplacementPlan) -> IndexRows | None:
        """The row with the first sound candidates in the lines of a plan; None if there are too few."""
        found, candidates, lookup = self._found, iter(plan.candidates), self._assembly.lookup
        for line in plan.lines:
            for number in candidates:
                tried = with_replacement(found, line, lookup.rows(np.array([number])))
                if self._has_same_spec(tried, line) and not self._filled(tried, range(line, line + 1)):
                    found = tried
                    break
            else:
                return None
        return found

    def _has_same_spec(self, found: IndexRows, line: int) -> bool:
        if isinstance(self._slots, list):
            return True
        one = replace(found, numbers=found.numbers[[line]], figures=found.figures[[line]], shards=found.shards[[line]])
        slot = common_slot_spec(one, self._assembly.lookup, self._assembly.serving)
        return (slot.shape, slot.type) == (self._slots.shape[1:], self._slots.dtype)

    def _images(self) -> torch.Tensor | list[torch.Tensor]:
        if self._assembly.transform is not None:
            return self._transformed_images(self._assembly.transform)
        first = self._assembly.serving.channels_first
        if self._stack is not None:
            return _channels_before_rows(self._stack, _PLAIN + 1, channels_first=first)
        return [_channels_before_rows(torch.from_numpy(each), _PLAIN, channels_first=first) for each in self._slots]

    def _transformed_images(self, transform: Transform) -> torch.Tensor | list[torch.Tensor]:
        count = len(self._slots)
        if self._assembly.as_list:
            return to_tensor_list(self._transformed, count)

        def of_nobody() -> NDArray[Any]:  # a rank may have none of the last few samples
            return to_array(transform(self._slots[0], EMPTY_SLOT))

        return to_tensor(self._transformed, count, of_nobody, partial(slot_key, self._found))


def _channels_before_rows(pixels: torch.Tensor, plain: int, *, channels_first: bool) -> torch.Tensor:
    """Without a copy: in memory, the channels of a pixel stay together."""
    if pixels.ndim == plain:
        return pixels.unsqueeze(-3)
    return pixels if channels_first else pixels.movedim(-1, -3)


def _in_slot_order(by_line: dict[int, NDArray[Any]]) -> list[NDArray[Any]]:
    return [by_line[line] for line in sorted(by_line)]


def _keys(found: IndexRows) -> list[str]:
    return [slot_key(found, line) for line in range(len(found.numbers))]


def to_array(given: object) -> NDArray[Any]:
    """Return what a transform gave, as an array that torch can take."""
    try:
        array = np.asarray(given)
        torch.from_numpy(np.empty(0, array.dtype))
    except (TypeError, ValueError):
        said = f"an array of {given.dtype}" if isinstance(given, np.ndarray) else f"{type(given).__name__}"
        raise UsageError(f"transform= must give an array of numbers for each image; got {said}.") from None
    return array


def to_tensor_list(transformed: Mapping[int, NDArray[Any]], count: int) -> list[torch.Tensor]:
    """Return each array by its line, and black where a line has none."""
    black = np.zeros_like(next(iter(transformed.values()), np.zeros((1, 1, 1), np.uint8)))
    return [torch.from_numpy(np.array(transformed.get(line, black), order="C")) for line in range(count)]


def to_tensor(
    transformed: Mapping[int, NDArray[Any]], count: int, like: Callable[[], NDArray[Any]], key_of: Callable[[int], str]
) -> torch.Tensor:
    """Return all arrays as one tensor, black in lines that have none; `like` gives one where no line has any."""
    first = min(transformed, default=0)
    black = np.zeros_like(transformed[first] if transformed else like())
    for line, array in sorted(transformed.items()):
        if array.shape != black.shape:
            raise UsageError(
                f"transform= gave arrays of different shapes in a batch: {key_of(first)} is {_said(black)}, "
                f"{key_of(line)} is {_said(array)}. Give all the same shape, or say as_list=True to get each by itself."
            )
    return torch.from_numpy(np.stack([transformed.get(line, black) for line in range(count)]))


def _said(array: NDArray[Any]) -> str:
    return f"{' x '.join(map(str, array.shape))} of {array.dtype}"
