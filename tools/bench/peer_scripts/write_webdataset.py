"""webdataset's ShardWriter as its documentation shows it: encoded bytes and a class, shards of its own default size."""

from pathlib import Path

from webdataset import ShardWriter

from peer_scripts.images import LabelledImage, timed


def write(images: list[LabelledImage], out: Path) -> None:
    with ShardWriter(f"{out}/train-%06d.tar") as sink:
        for image in images:
            sink.write({"__key__": image.key, "png": image.path.read_bytes(), "cls": image.label})


if __name__ == "__main__":
    timed(write)
