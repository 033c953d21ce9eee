"""The members of a tar that another tool wrote, perhaps to harm.

Sizes are believed only as far as the file reaches, and nothing grows with the tar: memory holds one header at a time.
What is not a plain file under a plain name is refused, rather than understood in a way of our own: what other readers
would see in this tar must be what we see.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from shardkit.format.foreign_disguise import refuse_disguise
from shardkit.format.foreign_extension import KINDS, LONGEST, Extension, extended
from shardkit.format.foreign_header import Header, parsed
from shardkit.format.foreign_place import Place
from shardkit.format.tar import BLOCK, padded

Read = Callable[[int, int], bytes]
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
class Entry:
    """A file in a tar."""

    name: bytes
    start: int
    """Where the first header that belongs to it begins."""
    offset: int
    size: int


def entries(tar: str, read: Read, size: int) -> Iterator[Entry]:
    """Every file in a tar of `size` bytes, in order; `tar` is what errors call it."""
    refuse_disguise(read(0, BLOCK), Place(tar, 0))
    position = start = 0
    extension = Extension()
    while (header := _header(Place(tar, position), read, size)) is not None:
        payload, place = position + BLOCK, Place(tar, position, header.name)
        if header.kind in KINDS:
            extension = extended(extension, header.kind, _content(header, payload, read, size, place), place)
            position = payload + padded(header.size)
            continue
        header = extension.applied(header)
        place = Place(tar, start, header.name)
        _refuse_odd_name(header.name, place)
        if _is_file(header, place):
            _refuse_cut(header, payload, size, place)
            yield Entry(header.name, start, payload, header.size)
        position = start = payload + padded(header.size)
        extension = Extension()
    if not extension.empty:
        raise Place(tar, start).damaged("a long name or a PAX header stands before the end, and no member follows it.")
    _refuse_rest(Place(tar, position), read, size)


def _header(place: Place, read: Read, size: int) -> Header | None:
    """The header at a place; None where the tar ends."""
    block = read(place.offset, BLOCK)
    if len(block) < BLOCK:
        raise place.damaged(f"the tar was cut off: it ends at byte {size:,}, without the zeros that end a tar.")
    return None if block == _ZEROS else parsed(block, place)


def _content(header: Header, payload: int, read: Read, size: int, place: Place) -> bytes:
    if header.size > LONGEST:
        raise place.refused(f"a name or PAX header of {header.size:,} bytes; at most {LONGEST:,} are taken. {_PLAIN}.")
    _refuse_cut(header, payload, size, place)
    return read(payload, header.size)


def _refuse_odd_name(name: bytes, place: Place) -> None:
    if not name:
        raise place.refused(f"it has no name. {_PLAIN}.")
    if name.startswith(b"/") or b".." in name.split(b"/"):
        raise place.refused("its name leads out of the folder it is unpacked in. Write the tar anew with other names.")


def _is_file(header: Header, place: Place) -> bool:
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


def _refuse_cut(header: Header, payload: int, size: int, place: Place) -> None:
    if payload + padded(header.size) > size:
        raise place.damaged(
            f"{header.size:,} bytes from byte {payload:,} on belong to it, but the tar ends at byte {size:,}: "
            "it was cut off, or its size is wrong."
        )


def _refuse_rest(place: Place, read: Read, size: int) -> None:
    """Behind the end, every reader stops: what follows must not be a second tar that nobody sees."""
    for position in range(place.offset, size, _STEP):
        block = read(position, _STEP)
        if block.count(0) < len(block):
            raise place.refused(
                "the tar ends here, but more than zeros follow. If tars were put together with `cat`, take them one by "
                "one."
            )
