"""MosaicML Streaming's MDSWriter as its documentation shows it, with the encoded bytes as a column of bytes."""

import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

# streaming imports torchvision for data sets of its own, and MDSWriter uses none of it. The torchvision of the package
# index fits the torch with CUDA alone and cannot be imported beside one for the CPU: empty names stand in for it.
_empty: Any = SimpleNamespace(VisionDataset=object, to_tensor=None)
sys.modules |= {"torchvision.datasets": _empty, "torchvision.transforms.functional": _empty}

from streaming import MDSWriter  # noqa: E402 - after what it imports

from peer_scripts.images import LabelledImage, timed  # noqa: E402


def write(images: list[LabelledImage], out: Path) -> None:
    with MDSWriter(out=str(out), columns={"image": "bytes", "label": "int"}) as sink:
        for image in images:
            sink.write({"image": image.path.read_bytes(), "label": image.label})


if __name__ == "__main__":
    timed(write)
