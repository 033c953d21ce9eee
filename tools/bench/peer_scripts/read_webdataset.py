"""webdataset's fluid interface as its documentation shows it: shards and a buffer of 1 000 samples are shuffled."""

from collections.abc import Iterator

import webdataset as wds

from epochs import BATCH, Samples, report_speed
from peer_scripts.images import WORKERS
from peer_scripts.samples import arguments

BUFFER, SHARDS = 1_000, 100


def main() -> None:
    folder, sample = arguments()

    def made(extension: str, data: bytes) -> object:
        return sample(data) if extension in (".png", ".bin") else None

    urls = sorted(map(str, folder.glob("*.tar")))
    samples = wds.WebDataset(urls, shardshuffle=SHARDS).shuffle(BUFFER).decode(made).to_tuple("png;bin", "cls")
    loader = wds.WebLoader(samples.batched(BATCH), batch_size=None, num_workers=WORKERS, persistent_workers=True)

    def epoch() -> Iterator[Samples]:
        return (images for images, _ in loader)

    report_speed(epoch)


if __name__ == "__main__":
    main()
