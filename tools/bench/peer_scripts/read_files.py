"""Files on a disk, read by a torch Dataset of a few lines and a DataLoader: what most people begin with."""

from collections.abc import Iterator
from typing import Any

from torch.utils.data import DataLoader, Dataset

from epochs import BATCH, Samples, report_speed
from peer_scripts.images import WORKERS, LabelledImage, images_below
from peer_scripts.samples import MakeSample, arguments


class Files(Dataset[tuple[Any, int]]):
    def __init__(self, images: list[LabelledImage], sample: MakeSample) -> None:
        self.images, self.sample = images, sample

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, number: int) -> tuple[Any, int]:
        image = self.images[number]
        return self.sample(image.path.read_bytes()), image.label


def main() -> None:
    tree, sample = arguments()
    loader = DataLoader(
        Files(images_below(tree), sample), BATCH, shuffle=True, num_workers=WORKERS, persistent_workers=True
    )

    def epoch() -> Iterator[Samples]:
        return (images for images, _ in loader)

    report_speed(epoch)


if __name__ == "__main__":
    main()
