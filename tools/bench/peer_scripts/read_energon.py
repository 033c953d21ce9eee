"""Energon's loader as its documentation shows it, with a TaskEncoder that decodes; webdataset's buffer of samples."""

from collections.abc import Iterator
from dataclasses import replace
from itertools import islice

import torch
from megatron.energon import (
    DefaultTaskEncoder,
    ImageClassificationSample,
    WorkerConfig,
    get_loader,
    get_train_dataset,
    stateless,
)

from epochs import BATCH, Samples, report_speed
from peer_scripts.images import WORKERS
from peer_scripts.read_webdataset import BUFFER
from peer_scripts.samples import MakeSample, arguments

SEQUENCE = 100  # samples of a shard that are read one behind the other, as in its documentation


class Decoding(DefaultTaskEncoder):  # type: ignore[misc]  # it has no types
    decoder = None  # its own decodes PNGs with Pillow

    def __init__(self, sample: MakeSample) -> None:
        super().__init__()
        self.sample = sample

    @stateless  # type: ignore[untyped-decorator]  # it has no types
    def encode_sample(self, stored: ImageClassificationSample) -> ImageClassificationSample:
        return replace(stored, image=torch.from_numpy(self.sample(stored.image)), label=int(stored.label))


def main() -> None:
    folder, sample = arguments()
    dataset = get_train_dataset(
        str(folder),
        worker_config=WorkerConfig(rank=0, world_size=1, num_workers=WORKERS),
        batch_size=BATCH,
        shuffle_buffer_size=BUFFER,
        max_samples_per_sequence=SEQUENCE,
        task_encoder=Decoding(sample),
    )
    batches = iter(get_loader(dataset))  # for ever, as it is meant: that costs it less than epochs that end

    def epoch() -> Iterator[Samples]:
        return (batch.image for batch in islice(batches, len(dataset)))

    report_speed(epoch)


if __name__ == "__main__":
    main()
