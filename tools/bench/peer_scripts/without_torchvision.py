"""MosaicML's `streaming`, imported where torchvision cannot be.

It imports torchvision for data sets of its own, of which nothing here is used. The torchvision of the package index
fits the torch with CUDA alone and cannot be imported beside one for the CPU: empty names stand in for it.
"""

import sys
from types import SimpleNamespace
from typing import Any

_empty: Any = SimpleNamespace(VisionDataset=object, to_tensor=None)
sys.modules |= {"torchvision.datasets": _empty, "torchvision.transforms.functional": _empty}

from streaming import MDSWriter, StreamingDataset  # noqa: E402 - after what it imports

__all__ = ["MDSWriter", "StreamingDataset"]
