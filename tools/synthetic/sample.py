"""One sample in a tree: an image with its sidecars."""

from pathlib import Path

import cv2

from shardkit.storage.atomic import make_folder, publish_bytes
from synthetic.fields import Image


def publish_sample(path: Path, image: Image, sidecars: dict[str, bytes]) -> None:
    """Write an image (in OpenCV's order of colours) with its sidecars, by suffix; the image last: then all is there."""
    whole, png = cv2.imencode(".png", image)
    assert whole, "an 8-bit image can always be encoded"
    make_folder(path.parent)
    for suffix, content in sidecars.items():
        publish_bytes(path.with_suffix(suffix), content)
    publish_bytes(path, png.tobytes())
