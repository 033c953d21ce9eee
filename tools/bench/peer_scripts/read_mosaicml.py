"""MosaicML's StreamingDataset over its own local shards, decoding in `__getitem__` as its documentation shows it."""

from collections.abc import Iterator
from typing import Any

from torch.utils.data import DataLoader

from epochs import BATCH, Samples, report_speed
from peer_scripts.images import WORKERS
from peer_scripts.samples import MakeSample, arguments
from peer_scripts.without_torchvision import StreamingDataset


class Decoding(StreamingDataset):  # type: ignore[misc]  # it has no types
    def __init__(self, folder: str, sample: MakeSample) -> None:
        super().__init__(local=folder, shuffle=True, batch_size=BATCH)
        self.sample = sample

    def __getitem__(self, number: int) -> tuple[Any, int]:
        stored = super().__getitem__(number)
        return self.sample(stored["image"]), stored["label"]


def main() -> None:
    folder, sample = arguments()
    stream = Decoding(str(folder), sample)
    loader: DataLoader[Any] = DataLoader(stream, BATCH, num_workers=WORKERS, persistent_workers=True)

    def epoch() -> Iterator[Samples]:
        return (images for images, _ in loader)

    report_speed(epoch)


if __name__ == "__main__":
    main()
