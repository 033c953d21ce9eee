"""Prints as they lie in a tree. It may be anyone's tree, so whatever is wrong with a file ends with a sentence."""

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from shardkit.errors import UsageError
from synthetic.fields import Image
from synthetic.fingerprints.minutiae import Minutiae
from synthetic.fingerprints.mnt import Mnt, from_mnt


@dataclass(frozen=True)
class StoredPrint:
    image: Image
    minutiae: Minutiae


def files_of_fingers(tree: Path) -> list[list[Path]]:
    """The `.mnt` files of each folder that holds any."""
    folders: dict[Path, list[Path]] = {}
    for file in sorted(tree.rglob("*.mnt")):
        folders.setdefault(file.parent, []).append(file)
    return list(folders.values())


def read_print(file: Path) -> StoredPrint:
    """A `.mnt` file and the picture beside it."""
    stated, image = _mnt(file), _picture(file.with_suffix(".png"))
    if stated.shape != image.shape:
        rows, columns = image.shape
        raise UsageError(
            f"{file} is about a picture of {stated.shape[1]} x {stated.shape[0]} pixels (width x height), "
            f"but the one beside it has {columns} x {rows}."
        )
    return StoredPrint(image, stated.minutiae)


def _mnt(file: Path) -> Mnt:
    # The name in its head may be in any encoding; nothing else that is not ASCII can be meant.
    text = _content(file).decode("ascii", errors="replace")
    try:
        return from_mnt(text)
    except ValueError as error:
        raise UsageError(f"{file}, {error}.") from error


def _picture(file: Path) -> Image:
    content = np.frombuffer(_content(file), np.uint8)
    try:
        image = cv2.imdecode(content, cv2.IMREAD_GRAYSCALE)
    except cv2.error:  # an empty file, or one whose head states more pixels than OpenCV takes
        image = None
    if image is None:
        raise UsageError(f"{file} cannot be read as a picture.")
    return np.asarray(image, np.uint8)


def _content(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as error:
        raise UsageError(f"{file} cannot be read: {error.strerror}.") from error
