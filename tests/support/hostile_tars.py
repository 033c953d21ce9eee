"""Tars with members that no dataset may have, and images that are none; every digest of them matches."""

import gzip
import pickle
import struct
import tarfile
import zlib
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import zstandard

from tests.support.dataset_writer import Edits, Row
from tests.support.hostile_case import FORGED, Case, Scene
from tests.support.tar_writer import BLOCK, END, header, png, with_checksum, with_type

_ADOPTED = ("a symbolic link", "a sparse file", "a name outside", "a size below zero", "no bytes", "half of its bytes")


def cases(victim: Path) -> Iterator[Case]:
    yield from _members(victim)
    yield from _images()


def _members(victim: Path) -> Iterator[Case]:
    changes: dict[str, Callable[[bytes], bytes]] = {
        "a symbolic link": partial(with_type, kind=b"2", link=b"../victim/file"),
        "a hard link": partial(with_type, kind=b"1", link=bytes(victim / "file")),
        "a device": partial(with_type, kind=b"3"),
        "a pipe": partial(with_type, kind=b"6"),
        "a folder": partial(with_type, kind=b"5"),
        "a GNU long name": partial(with_type, kind=b"L"),
        "a PAX header": partial(with_type, kind=b"x"),
        "a global PAX header": partial(with_type, kind=b"g"),
        "a sparse file": partial(with_type, kind=b"S"),
        "a name outside": partial(_renamed, b"../victim/file"),
        "an absolute name": partial(_renamed, bytes(victim / "file")[:99]),
        "a name with escapes": partial(_renamed, b"\x1b]0;owned\x07.png"),
        "a name with a line feed": partial(_renamed, b"x\n" + FORGED.encode() + b".png"),
        "an empty name": partial(_renamed, b""),
        "a size of 8 GiB": partial(_resized, b"77777777777\0"),
        "a size in base 256": partial(_resized, b"\x80" + bytes(3) + b"\xff" * 8),
        "a size below zero": partial(_resized, b"\xff" * 12),
        "a size that is no number": partial(_resized, b"hello world\0"),
        "a wrong checksum": lambda content: content[:148] + b"0" * 8 + content[156:],
        "nothing but zeros": lambda content: bytes(len(content)),
        "no end": lambda content: content[: -len(END)],
        "bytes behind its end": lambda content: content + b"x" * BLOCK,
        "a second tar behind it": lambda content: content + content,
        "half of its bytes": lambda content: content[: len(content) // 2],
        "no bytes": lambda _: b"",
        "gzip": gzip.compress,
        "a PAX name outside": lambda content: _pax({"path": "../victim/file"}) + content,
        "a PAX name with escapes": lambda content: _pax({"path": "\x1b]0;owned\x07/x.png"}) + content,
        "a PAX size": lambda content: _pax({"size": "99999999999"}) + content,
        "a PAX header of 10 MB": lambda content: _pax({"comment": "x" * 10_000_000}) + content,
        "GNU's own kinds of members": _gnu,
    }
    for what, change in changes.items():
        yield Case(f"tar: {what}, packed", "tars", Edits(tar=change))
        if what in _ADOPTED:
            edits = Edits(tar=change, kind="adopted")
            yield Case(f"tar: {what}, adopted", "tars", edits)
        yield Case(f"tar: {what}, without a manifest", "tars", Edits(tar=change, kind="adopted"), _bare)


def _images() -> Iterator[Case]:
    images = {
        "a header of 100,000 x 100,000": _png(100_000, 100_000, b"\0" * 100),
        "a header of 2^31 - 1": _png(2**31 - 1, 2**31 - 1, b""),
        "16,384 x 8,192 of zeros": _png(16_384, 8_192, bytes(16_385 * 8_192)),
        "100 MB of zeros for 8 x 8": _png(8, 8, bytes(100_000_000)),
        "cut": png(1)[:40],
        "text": b"hello",
        "nothing": b"",
        "escapes": b"\x1b]0;owned\x07\x1b[2J",
        "a chunk of 2 GiB": png(1)[:8] + struct.pack(">I", 2**31 - 1) + b"IHDR",
    }
    for what, content in images.items():
        for kind in ("tree", "adopted"):
            edit = partial(_replace_image, "png", content)
            yield Case(
                f"image: {what}, {kind}",
                "tars",
                Edits(samples=edit, kind=kind),
                verified="only --decode looks into images",
            )
    other = {
        "a pickle in an .npy": ("npy", _npy("|O", (1,), pickle.dumps([1]))),
        "an .npy of 2^40 values": ("npy", _npy("|u1", (2**20, 2**20), b"")),
        "an .npy of no shape": ("npy", _npy("|u1", (), b"\0")),
        "an .npy whose header is code": ("npy", _head(b"__import__('os').system('touch owned')")),
        "a frame of 2^40 bytes": ("npy.zst", b"\x28\xb5\x2f\xfd\xe0" + struct.pack("<Q", 2**40) + b"\1\0\0"),
        "a frame of 500 MB of zeros": ("npy.zst", zstandard.compress(bytes(500_000_000))),
        "an unknown ending": ("exe", b"\x7fELF"),
        "a JPEG of 65,535 x 65,535": ("jpg", b"\xff\xd8\xff\xc0\0\x0b\x08\xff\xff\xff\xff\1\1\x11\0\xff\xd9"),
        "a TIFF whose list of tags is a circle": ("tif", b"II*\0\x08\0\0\0\0\0\x08\0\0\0"),
        "a WebP of no size": ("webp", b"RIFF\xff\xff\xff\xffWEBPVP8 " + bytes(20)),
        "a BMP of 2^31 - 1": (
            "bmp",
            b"BM" + bytes(12) + struct.pack("<IiiHH", 40, 2**31 - 1, 2**31 - 1, 1, 24) + bytes(24),
        ),
    }
    for what, (ext, content) in other.items():
        edit = partial(_replace_image, ext, content)
        yield Case(
            f"image: {what}", "tars", Edits(samples=edit, kind="adopted"), verified="only --decode looks into images"
        )
        yield Case(f"image: {what}, without a manifest", "tars", Edits(samples=edit, kind="adopted"), _bare)


def _bare(scene: Scene) -> None:
    """Leave nothing but the tars, which somebody wants to adopt."""
    for name in scene.dataset.files:
        if not name.endswith(".tar"):
            (scene.folder / name).unlink()
    (scene.folder / "index").rmdir()


def _renamed(name: bytes, content: bytes) -> bytes:
    return with_checksum(name.ljust(100, b"\0") + content[100:BLOCK]) + content[BLOCK:]


def _resized(size: bytes, content: bytes) -> bytes:
    return with_checksum(content[:124] + size + content[136:BLOCK]) + content[BLOCK:]


def _pax(headers: dict[str, str]) -> bytes:
    info = tarfile.TarInfo("x.png")
    info.pax_headers = headers
    return info.tobuf(tarfile.PAX_FORMAT)


def _gnu(content: bytes) -> bytes:
    odd = b"".join(header(f"x{kind}", 0, kind=bytes([kind])) for kind in b"DKLMNSVAXIgx")
    return odd + content


def _replace_image(ext: str, content: bytes, samples: list[Row]) -> None:
    payloads = samples[0]["payloads"]
    samples[0]["payloads"] = {ext: content, **{name: each for name, each in payloads.items() if name != "png"}}


def _png(width: int, height: int, lines: bytes) -> bytes:
    head = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    chunks = ((b"IHDR", head), (b"IDAT", zlib.compress(lines)), (b"IEND", b""))
    framed = (
        struct.pack(">I", len(each)) + name + each + struct.pack(">I", zlib.crc32(name + each)) for name, each in chunks
    )
    return b"\x89PNG\r\n\x1a\n" + b"".join(framed)


def _npy(kind: str, shape: tuple[int, ...], content: bytes) -> bytes:
    return _head(repr({"descr": kind, "fortran_order": False, "shape": shape}).encode()) + content


def _head(text: bytes) -> bytes:
    padded = text + b" " * (-(len(text) + 11) % 64) + b"\n"
    return b"\x93NUMPY\1\0" + struct.pack("<H", len(padded)) + padded
