"""FFCV's Loader over stored pixels, in its fastest documented way: the page cache, all samples in random order."""

import os
from collections.abc import Iterator

from ffcv.fields.decoders import IntDecoder, NDArrayDecoder
from ffcv.loader import Loader, OrderOption
from ffcv.transforms import ToTensor

from epochs import BATCH, Samples, report_speed
from peer_scripts.images import WORKERS
from peer_scripts.samples import arguments


def main() -> None:
    folder, _ = arguments()
    pipelines = {"image": [NDArrayDecoder(), ToTensor()], "label": [IntDecoder(), ToTensor()]}
    loader = Loader(
        os.fspath(folder / "train.beton"),
        batch_size=BATCH,
        num_workers=WORKERS,
        order=OrderOption.RANDOM,
        os_cache=True,
        pipelines=pipelines,
    )

    def epoch() -> Iterator[Samples]:
        return (images for images, _ in loader)

    report_speed(epoch)


if __name__ == "__main__":
    main()
