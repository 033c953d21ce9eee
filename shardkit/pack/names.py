"""What the name of a file or folder alone says about it."""

import re

from shardkit.format.key import encoded

_SIDECARS = {b"mnt", b"json"}
_OTHER_IMAGES = {
    b"bmp",
    b"gif",
    b"jp2",
    b"jpeg",
    b"jpg",
    b"npy",
    b"pgm",
    b"ppm",
    b"raw",
    b"tif",
    b"tiff",
    b"webp",
    b"wsq",
}
# What systems, viewers, editors and unfinished copies leave in a folder.
_JUNK = re.compile(rb"\..*|thumbs\.db|desktop\.ini|__macosx|@eadir|.*\.part|.*~", re.IGNORECASE | re.DOTALL)


_IMPRESSION = re.compile(rb"(?:.*/)?(?:impression_)?([^/]+)\.[^./]*", re.DOTALL)


def is_junk(name: bytes) -> bool:
    return _JUNK.fullmatch(name) is not None


def is_image(name: bytes) -> bool:
    return suffix(name).lower() == b"png"


def is_sidecar(name: bytes) -> bool:
    return suffix(name).lower() in _SIDECARS


def stem(name: bytes) -> bytes:
    """What an image and its sidecars have in common."""
    return name.rpartition(b".")[0]


def impression_in(path: bytes) -> str:
    """What stands in the key for an image whose subject is known: 04 for `04.png` and for `impression_04.png`."""
    matched = _IMPRESSION.fullmatch(path)
    assert matched, "an image has a name and an ending"
    return encoded(matched[1])


def suffix(name: bytes) -> bytes:
    return name.rpartition(b".")[2] if b"." in name else b""


def ignored_as(name: bytes) -> str:
    """How a file that is no input is counted: images by their ending, since the user may have meant those."""
    ending = suffix(name).lower()
    return f".{ending.decode()}" if ending in _OTHER_IMAGES else "other"
