"""LitData's StreamingDataset over its own local chunks, decoding in `__getitem__` as its documentation shows it."""

from collections.abc import Iterator
from typing import Any

from litdata import StreamingDataLoader, StreamingDataset

from epochs import BATCH, Samples, report_speed
from peer_scripts.images import WORKERS
from peer_scripts.samples import MakeSample, arguments


class Decoding(StreamingDataset):  # type: ignore[misc]  # it has no types
    def __init__(self, folder: str, sample: MakeSample) -> None:
        super().__init__(folder, shuffle=True)
        self.sample = sample

    def __getitem__(self, number: int) -> tuple[Any, int]:
        stored = super().__getitem__(number)
        return self.sample(stored["image"]), stored["label"]


def main() -> None:
    folder, sample = arguments()
    loader = StreamingDataLoader(
        Decoding(str(folder), sample), batch_size=BATCH, num_workers=WORKERS, persistent_workers=True
    )

    def epoch() -> Iterator[Samples]:
        return (images for images, _ in loader)

    report_speed(epoch)


if __name__ == "__main__":
    main()
