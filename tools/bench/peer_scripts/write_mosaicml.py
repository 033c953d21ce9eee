"""MosaicML Streaming's MDSWriter as its documentation shows it, with the encoded bytes as a column of bytes."""

from pathlib import Path

from peer_scripts.images import LabelledImage, timed
from peer_scripts.without_torchvision import MDSWriter


def write(images: list[LabelledImage], out: Path) -> None:
    with MDSWriter(out=str(out), columns={"image": "bytes", "label": "int"}) as sink:
        for image in images:
            sink.write({"image": image.path.read_bytes(), "label": image.label})


if __name__ == "__main__":
    timed(write)
