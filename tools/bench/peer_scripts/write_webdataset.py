"""webdataset's ShardWriter as its documentation shows it: encoded bytes and a class."""

from pathlib import Path

from webdataset import ShardWriter

from peer_scripts.images import LabelledImage, timed

# Its readers share whole shards: of its default size there would be one, and nothing for the second reader.
SHARD_BYTES, SHARD_SAMPLES = 64_000_000, 1_000


def write(images: list[LabelledImage], out: Path) -> None:
    with ShardWriter(f"{out}/train-%06d.tar", maxcount=SHARD_SAMPLES, maxsize=SHARD_BYTES) as sink:
        for image in images:
            sink.write({"__key__": image.key, image.extension: image.path.read_bytes(), "cls": image.label})


if __name__ == "__main__":
    timed(write)
