"""Kinds of files by name: images, sidecars, other images, junk; and the largest files that are accepted.

A file is held in memory while it is packed, once per thread. Images of other formats than PNG are not packed, and a
warning says so, since the user may have expected them.
"""

import re
from collections.abc import Mapping
from pathlib import Path
from shlex import quote

from shardkit.errors import BadInput
from shardkit.format.keys import encode_name
from shardkit.image.formats import MAX_BYTES

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


def impression_from_path(path: bytes) -> str:
    """What stands in the key for an image whose subject is known: 04 for `04.png` and for `impression_04.png`."""
    matched = _IMPRESSION.fullmatch(path)
    assert matched, "an image has a name and an ending"
    return encode_name(matched[1])


def suffix(name: bytes) -> bytes:
    return name.rpartition(b".")[2] if b"." in name else b""


def ignored_kind(name: bytes) -> str:
    """How a file that is no input is counted: images by their ending, since the user may have meant those."""
    ending = suffix(name).lower()
    return f".{ending.decode()}" if ending in _OTHER_IMAGES else "other"


# Pixels that do not shrink, their filters, and 16 MiB for all else that a PNG may carry.
MAX_IMAGE_SIZE = MAX_BYTES + 2**24

MAX_SIDECAR_SIZE = 2**26


def check_file_size(name: bytes, size: int) -> None:
    most = MAX_SIDECAR_SIZE if is_sidecar(name) else MAX_IMAGE_SIZE
    if size > most:
        raise BadInput("too-large", f"it has {size:,} bytes, and at most {most:,} are taken. Make it smaller.")


DECODED_SUFFIXES = (".bmp", ".jpeg", ".jpg", ".tif", ".tiff", ".webp")
"""What the stream decodes from tars of others, and `tools/make_pngs.py` makes PNGs of."""

_OTHERS = (".gif", ".jp2", ".pgm", ".ppm", ".wsq")


def warn_other_images(root: Path, ignored: Mapping[str, int]) -> tuple[str, ...]:
    """A warning, where a tree has such images beside its PNGs."""
    images = {kind: count for kind, count in ignored.items() if kind in (*DECODED_SUFFIXES, *_OTHERS)}
    if not images:
        return ()
    kinds = ", ".join(f"{count:,} {kind}" for kind, count in sorted(images.items()))
    return (f"{sum(images.values()):,} images are no PNG and are not packed ({kinds}). {_made(root, images)}",)


def advise_conversion(root: Path, ignored: Mapping[str, int]) -> str:
    """What to do with a tree that has no PNG at all; empty where there is nothing to be made of it."""
    images = [kind for kind in ignored if kind in (*DECODED_SUFFIXES, *_OTHERS)]
    if not images:
        return ""
    keep = " Or keep their bytes: put them into tars, which `shardkit index` adopts."
    return _made(root, images) + (keep if {*images} & {*DECODED_SUFFIXES} else "")


def _made(root: Path, kinds: Mapping[str, int] | list[str]) -> str:
    if not {*kinds} & {*DECODED_SUFFIXES}:
        return "Make PNGs of them first."
    target = root.with_name(f"{root.name or 'images'}-png")
    command = f"python tools/make_pngs.py {quote(str(root))} {quote(str(target))}"
    return f"Make a tree of PNGs first, and pack that: `{command}` in shardkit's source tree."
