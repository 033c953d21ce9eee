"""What the network sees of this dataset: how many channels, and how large a picture."""

from dataclasses import dataclass

from trainer.augment.sizes import input_size
from trainer.batches import Row
from trainer.config import sections


@dataclass(frozen=True)
class Input:
    channels: int
    size: tuple[int, int]
    """Height and width."""

    def as_json(self) -> list[int]:
        return [self.channels, *self.size]

    @classmethod
    def from_json(cls, figures: list[int]) -> "Input":
        channels, height, width = figures
        return cls(channels, (height, width))


def input_of(row: Row, section: sections.Augment) -> Input:
    channels, *stored = row.micro_batches[0].images.shape[1:]
    return Input(channels, input_size(section, (stored[0], stored[1])))
