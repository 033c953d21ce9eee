"""What may stand before a header to extend it: GNU's long names, and the records of PAX.

Only a path and a size are taken from them, since nothing else says where bytes lie. What readers of tars understand in
different ways is refused: a member must not have two names.
"""

import re
from dataclasses import dataclass, replace

from shardkit.format.foreign_header import Header
from shardkit.format.foreign_place import Place

LONGEST = 64 << 10

GNU_NAME, PAX, PAX_FOR_ALL = b"L", b"x", b"g"
KINDS = {GNU_NAME, PAX, PAX_FOR_ALL}

_LENGTH = re.compile(rb"([1-9][0-9]{0,5}) ")
_SIZE = re.compile(rb"[0-9]{1,20}")
_MALFORMED = "its PAX header is malformed. Write the tar anew."


@dataclass(frozen=True)
class Extension:
    """What was said so far about the next member."""

    name: bytes | None = None
    size: int | None = None
    empty: bool = True

    def applied(self, header: Header) -> Header:
        name = header.name if self.name is None else self.name
        return Header(name, header.size if self.size is None else self.size, header.kind)


def extended(before: Extension, kind: bytes, content: bytes, place: Place) -> Extension:
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


def _taken(before: Extension, records: dict[bytes, bytes], place: Place) -> Extension:
    taken = replace(before, empty=False)
    if path := records.get(b"path"):
        if b"\x00" in path:
            raise place.refused(_MALFORMED)
        taken = replace(taken, name=path)
    if size := records.get(b"size"):
        if not _SIZE.fullmatch(size):
            raise place.refused(f"a PAX header states the size {size[:40]!a}. Write the tar anew.")
        taken = replace(taken, size=int(size))
    return taken


def _records(content: bytes, place: Place) -> dict[bytes, bytes]:
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
