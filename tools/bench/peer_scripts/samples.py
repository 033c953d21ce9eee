"""What a peer's reader makes of a sample's bytes: pixels by OpenCV, or a mere copy, where only the loader counts."""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np

DECODE, COPY = "decode", "copy"
MakeSample = Callable[[bytes], Any]


def decoded(data: bytes) -> Any:  # noqa: ANN401 - an array
    return cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)


def copied(data: bytes) -> Any:  # noqa: ANN401 - an array
    return np.frombuffer(data, np.uint8).copy()


def arguments() -> tuple[Path, MakeSample]:
    folder, how = sys.argv[1:]
    return Path(folder), {DECODE: decoded, COPY: copied}[how]
