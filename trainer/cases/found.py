"""From numbers of samples to what is shown of them: only pictures that are shown are read, and each of them once."""

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path

import shardkit
from trainer.cases.hard import Doubted, HardCases, Picture, ShownPair
from trainer.cases.pictures import png_of
from trainer.verification.mislabels import Mislabel
from trainer.verification.worst import Pair, Worst


class Split:
    """Of a dataset, with the samples in the order of the index."""

    def __init__(self, path: str | Path, generation: int | None, name: str, numbers: Sequence[int]) -> None:
        """`numbers` of the samples that were embedded: one of them may be missing, if it was damaged."""
        self._split, self._numbers = shardkit.open(path, generation)[name], numbers
        self._read = dict[int, Picture]()

    def cases(self, title: str, worst: Worst, doubted: Sequence[Mislabel]) -> HardCases:
        return HardCases(
            title,
            [self._pair(each) for each in worst.mated],
            [self._pair(each) for each in worst.non_mated],
            [self._doubted(each) for each in doubted],
        )

    @cached_property
    def _keys(self) -> list[str]:
        there = list(self._split)
        return [there[number] for number in self._numbers]

    def _pair(self, pair: Pair) -> ShownPair:
        return ShownPair(pair.cosine, self._picture(pair.one), self._picture(pair.other))

    def _doubted(self, each: Mislabel) -> Doubted:
        own, like = (self._split.sample(self._keys[at]).subject for at in (each.sample, each.like))
        return Doubted(self._picture(each.sample), own, each.own, like, each.best)

    def _picture(self, at: int) -> Picture:
        if at not in self._read:
            record = self._split[self._keys[at]]
            png = png_of(record.sample.image.ext, record.image)
            self._read[at] = Picture(record.sample.key, record.sample.group, png)
        return self._read[at]
