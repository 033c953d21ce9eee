"""Reader of tars that other tools wrote, possibly to do harm.

In order: error messages with positions, detection of files that are no tar, header blocks (ustar, GNU tar, V7),
extensions (GNU long names, PAX), and `entries`, which yields the members. Only name, size and kind are used; owners,
times and modes are ignored. Sizes are believed only up to the end of the file, and memory holds one header at a time.
Anything but a plain file with a plain name, and anything that readers of tars interpret in different ways, is refused:
other readers must see the same members as we do, and no member may have two names.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from shardkit.errors import Damaged, UsageError
from shardkit.format.tar import BLOCK, padded_size


@dataclass(frozen=True)
class TarLocation:
    tar: str
    offset: int
    member: bytes = b""

    def refused(self, why: str) -> UsageError:
        """For what is whole, and still not taken."""
        return UsageError(f"{self}: {why}")

    def damaged(self, why: str) -> Damaged:
        return Damaged(f"{self}: {why} Copy the tar again from where it came, or write it anew.")

    def __str__(self) -> str:
        # repr: a name may hold what a terminal obeys.
        member = f", member {self.member[:_SHOWN].decode('utf-8', 'surrogateescape')!a}" if self.member else ""
        return f"{self.tar}, byte {self.offset:,}{member}"


_SHOWN = 200

_COMPRESSED = {
    b"\x1f\x8b": ("gzip", "gunzip"),
    b"\x28\xb5\x2f\xfd": ("zstd", "unzstd"),
    b"BZh": ("bzip2", "bunzip2"),
    b"\xfd7zXZ\x00": ("xz", "unxz"),
    b"\x04\x22\x4d\x18": ("lz4", "unlz4"),
}

_OTHERS = {
    b"PK\x03\x04": "a zip archive",
    b"PAR1": "a Parquet file",
    b"version https://git-lfs": "a pointer of Git LFS, which stands for a file that was not fetched",
    b"<!DOCTYPE": "a web page, perhaps an error that was saved as a file",
    b"<html": "a web page, perhaps an error that was saved as a file",
    b"\x89PNG": "a PNG",
    b"\xff\xd8\xff": "a JPEG",
}


def check_is_tar(start: bytes, place: TarLocation) -> None:
    if not start:
        raise place.refused("the file has no bytes, so it is no tar.")
    for magic, (compression, command) in _COMPRESSED.items():
        if start.startswith(magic):
            raise place.refused(
                f"it is compressed with {compression}, so no sample can be found in it. Run `{command}` on it first."
            )
    for magic, what in _OTHERS.items():
        if start.startswith(magic):
            raise place.refused(f"it is {what}, not a tar.")


_NAME, _SIZE, _CHECKSUM, _KIND, _MAGIC, _PREFIX = (
    slice(0, 100),
    slice(124, 136),
    slice(148, 156),
    slice(156, 157),
    slice(257, 263),
    slice(345, 500),
)

_USTAR = b"ustar\x00"

_OCTAL = re.compile(rb" *([0-7]*)(?:[ \x00].*)?", re.DOTALL)

# The checksum field counts as eight spaces.
_BLANK = 8 * ord(" ")

_BASE_256, _NEGATIVE = 0x80, 0x40

_SIGN_BIT = 0x80


@dataclass(frozen=True, slots=True)
class Header:
    name: bytes
    size: int
    kind: bytes


def parse_header(block: bytes, place: TarLocation) -> Header:
    if not _is_whole(block):
        raise place.damaged("this is no header of a tar: its checksum is wrong.")
    name = _text(block[_NAME])
    # GNU tar keeps times where ustar keeps the first part of a long name, and says so by another magic.
    prefix = _text(block[_PREFIX]) if block[_MAGIC] == _USTAR else b""
    named = TarLocation(place.tar, place.offset, name)
    return Header(prefix + b"/" + name if prefix else name, _size(block[_SIZE], named), block[_KIND])


def _is_whole(block: bytes) -> bool:
    stated = _OCTAL.fullmatch(block[_CHECKSUM])
    if stated is None or not stated[1]:
        return False
    others = block[: _CHECKSUM.start] + block[_CHECKSUM.stop :]
    difference = sum(others) + _BLANK - int(stated[1], 8)
    # Some old programs took bytes for signed numbers.
    return difference == 0 or difference == 256 * sum(byte >= _SIGN_BIT for byte in others)


def _size(field: bytes, place: TarLocation) -> int:
    if field[0] & _BASE_256:
        if field[0] & _NEGATIVE:
            raise place.refused("its size is negative. Nothing in this tar can be trusted: write it anew.")
        return int.from_bytes(bytes([field[0] ^ _BASE_256]) + field[1:], "big")
    octal = _OCTAL.fullmatch(field)
    if octal is None:
        raise place.refused(f"its size {field!a} is no number. Nothing in this tar can be trusted: write it anew.")
    return int(octal[1] or b"0", 8)


def _text(field: bytes) -> bytes:
    return field.partition(b"\x00")[0]


MAX_EXTENSION_SIZE = 64 << 10

GNU_NAME, PAX, PAX_FOR_ALL = b"L", b"x", b"g"

EXTENSION_KINDS = {GNU_NAME, PAX, PAX_FOR_ALL}

_LENGTH = re.compile(rb"([1-9][0-9]{0,5}) ")

_PAX_SIZE = re.compile(rb"[0-9]{1,20}")

_MALFORMED = "its PAX header is malformed. Write the tar anew."


@dataclass(frozen=True)
class PendingExtension:
    """What was said so far about the next member."""

    name: bytes | None = None
    size: int | None = None
    empty: bool = True

    def applied(self, header: Header) -> Header:
        name = header.name if self.name is None else self.name
        return Header(name, header.size if self.size is None else self.size, header.kind)


def apply_extension(before: PendingExtension, kind: bytes, content: bytes, place: TarLocation) -> PendingExtension:
    if kind == GNU_NAME:
        return replace(before, name=content.partition(b"\x00")[0], empty=False)
    records = _records(content, place)
    if any(key.startswith(b"GNU.sparse.") for key in records):
        raise place.refused("the next member is sparse. Write the tar anew, without --sparse.")
    if kind == PAX:
        return _taken(before, records, place)
    if {b"path", b"size"} & records.keys():
        raise place.refused("one name or size for all members makes no sense. Write the tar anew.")
    return before


def _taken(before: PendingExtension, records: dict[bytes, bytes], place: TarLocation) -> PendingExtension:
    taken = replace(before, empty=False)
    if path := records.get(b"path"):
        if b"\x00" in path:
            raise place.refused(_MALFORMED)
        taken = replace(taken, name=path)
    if size := records.get(b"size"):
        if not _PAX_SIZE.fullmatch(size):
            raise place.refused(f"a PAX header states the size {size[:40]!a}. Write the tar anew.")
        taken = replace(taken, size=int(size))
    return taken


def _records(content: bytes, place: TarLocation) -> dict[bytes, bytes]:
    """The lines `<length> <key>=<value>` of a PAX header, in which the length counts itself."""
    records: dict[bytes, bytes] = {}
    position = 0
    while position < len(content):
        length = _LENGTH.match(content, position)
        end = position + int(length[1]) if length else 0
        if length is None or content[end - 1 : end] != b"\n":
            raise place.refused(_MALFORMED)
        key, equals, value = content[length.end() : end - 1].partition(b"=")
        if not key or not equals:
            raise place.refused(_MALFORMED)
        records[key] = value
        position = end
    return records


ReadAt = Callable[[int, int], bytes]
"""Bytes from an offset on: as many as asked for, or what there is."""

_ZEROS = bytes(BLOCK)

_FILES, _FOLDER = {b"0", b"\x00", b"7"}, b"5"

_PLAIN = "Write the tar anew with plain files alone"

_REFUSED = {
    b"1": f"a hard link. {_PLAIN}: `tar --hard-dereference`.",
    b"2": f"a symbolic link. {_PLAIN}: `tar --dereference`.",
    b"3": f"a device. {_PLAIN}.",
    b"4": f"a device. {_PLAIN}.",
    b"6": f"a FIFO. {_PLAIN}.",
    b"K": f"a link with a long name. {_PLAIN}: `tar --dereference`.",
    b"S": f"a sparse file. {_PLAIN}, without --sparse.",
    b"M": f"the rest of a file from another volume. {_PLAIN}, in one volume.",
}

_STEP = 1 << 20


@dataclass(frozen=True, slots=True)
class ForeignMember:
    """A file in a tar."""

    name: bytes
    start: int
    """Where the first header that belongs to it begins."""
    offset: int
    size: int


def iter_members(tar: str, read: ReadAt, size: int) -> Iterator[ForeignMember]:
    """Every file in a tar of `size` bytes, in order; `tar` is what errors call it."""
    check_is_tar(read(0, BLOCK), TarLocation(tar, 0))
    position = start = 0
    extension = PendingExtension()
    while (header := _header(TarLocation(tar, position), read, size)) is not None:
        payload, place = position + BLOCK, TarLocation(tar, position, header.name)
        if header.kind in EXTENSION_KINDS:
            extension = apply_extension(extension, header.kind, _content(header, payload, read, size, place), place)
            position = payload + padded_size(header.size)
            continue
        header = extension.applied(header)
        place = TarLocation(tar, start, header.name)
        _check_member_name(header.name, place)
        if _is_file(header, place):
            _check_not_truncated(header, payload, size, place)
            yield ForeignMember(header.name, start, payload, header.size)
        position = start = payload + padded_size(header.size)
        extension = PendingExtension()
    if not extension.empty:
        raise TarLocation(tar, start).damaged(
            "a long name or a PAX header stands before the end, and no member follows it."
        )
    _check_only_zeros(TarLocation(tar, position), read, size)


def _header(place: TarLocation, read: ReadAt, size: int) -> Header | None:
    """The header at a place; None where the tar ends."""
    block = read(place.offset, BLOCK)
    if len(block) < BLOCK:
        raise place.damaged(f"the tar was cut off: it ends at byte {size:,}, without the zeros that end a tar.")
    return None if block == _ZEROS else parse_header(block, place)


def _content(header: Header, payload: int, read: ReadAt, size: int, place: TarLocation) -> bytes:
    if header.size > MAX_EXTENSION_SIZE:
        raise place.refused(
            f"a name or PAX header of {header.size:,} bytes; at most {MAX_EXTENSION_SIZE:,} are taken. {_PLAIN}."
        )
    _check_not_truncated(header, payload, size, place)
    return read(payload, header.size)


def _check_member_name(name: bytes, place: TarLocation) -> None:
    if not name:
        raise place.refused(f"it has no name. {_PLAIN}.")
    if name.startswith(b"/") or b".." in name.split(b"/"):
        raise place.refused("its name leads out of the folder it is unpacked in. Write the tar anew with other names.")


def _is_file(header: Header, place: TarLocation) -> bool:
    """Whether a member is a file; a folder is passed over, and all else is refused."""
    folder = header.kind == _FOLDER or header.name.endswith(b"/")
    if folder and header.kind in {*_FILES, _FOLDER}:
        if header.size:
            raise place.refused(f"it is a folder with {header.size:,} bytes of content. {_PLAIN}.")
        return False
    if header.kind not in _FILES:
        what = _REFUSED.get(header.kind, f"of the unknown kind {header.kind!a}. {_PLAIN}.")
        raise place.refused(f"it is {what}")
    return True


def _check_not_truncated(header: Header, payload: int, size: int, place: TarLocation) -> None:
    if payload + padded_size(header.size) > size:
        raise place.damaged(
            f"{header.size:,} bytes from byte {payload:,} on belong to it, but the tar ends at byte {size:,}: "
            "it was cut off, or its size is wrong."
        )


def _check_only_zeros(place: TarLocation, read: ReadAt, size: int) -> None:
    """Behind the end, every reader stops: what follows must not be a second tar that nobody sees."""
    for position in range(place.offset, size, _STEP):
        block = read(position, _STEP)
        if block.count(0) < len(block):
            raise place.refused(
                "the tar ends here, but more than zeros follow. If tars were put together with `cat`, take them one by "
                "one."
            )
