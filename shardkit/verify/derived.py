"""Rows of the index derived from a tar: all that names, sizes and images tell."""

from collections.abc import Iterator, Mapping
from itertools import groupby
from pathlib import Path

from xxhash import xxh3_128_digest

from shardkit.dataset import Member, Sample, Shard, Subject
from shardkit.errors import BadInput, Damaged
from shardkit.format.tar import BLOCK, END, header, padded
from shardkit.verify.pixels import shapes_of
from shardkit.verify.reading import filled, opened

_SIZE = slice(124, 135)
_NAME, _PREFIX = slice(0, 100), slice(345, 500)

Known = Mapping[tuple[str, str], Subject]
"""Every subject, by split and name."""


def samples_in(path: Path, shard: Shard, known: Known, *, from_arrays: bool) -> list[Sample]:
    """The samples of one of our tars, but for their sources: nothing in it tells those."""
    try:
        with opened(path) as tar:
            by_key = groupby(_members(tar, path), key=lambda pair: pair[0])
            return [
                _sample(tar, key, [member for _, member in pairs], shard, known, from_arrays=from_arrays)
                for key, pairs in by_key
            ]
    except (OSError, KeyError, ValueError, BadInput) as error:
        raise Damaged(f"{path.name} cannot tell them, it is damaged too ({error})") from error


def _members(tar: int, path: Path) -> Iterator[tuple[str, Member]]:
    """Every member; a header that is not one of ours ends it."""
    position = 0
    while (block := _read(tar, position, BLOCK)) != END[:BLOCK]:
        prefix, name = (bytes(block[field]).rstrip(b"\x00") for field in (_PREFIX, _NAME))
        whole = (prefix + b"/" + name if prefix else name).decode()
        size = int(block[_SIZE], 8)
        if header(whole, size) != block:
            raise Damaged(f"{path.name} cannot tell them, its header at byte {position:,} is damaged")
        key, _, ext = whole.partition(".")
        payload = _read(tar, position + BLOCK, size)
        yield key, Member(ext, position + BLOCK, size, xxh3_128_digest(payload))
        position += BLOCK + padded(size)


def _read(tar: int, offset: int, size: int) -> bytes:
    content = bytearray(size)
    if size and filled(tar, memoryview(content), offset) < size:
        raise ValueError("it was cut off")
    return bytes(content)


def _sample(tar: int, key: str, members: list[Member], shard: Shard, known: Known, *, from_arrays: bool) -> Sample:
    subject, _, impression = key.partition("/")
    image, *sidecars = members
    who = known[shard.split, subject]
    shape, stored = shapes_of(image.ext, memoryview(_read(tar, image.offset, image.size)), from_arrays=from_arrays)
    width, height, channels, bits = shape
    return Sample(
        key=key,
        subject=subject,
        impression=impression,
        group=who.group,
        label=who.label,
        source=b"",
        original_width=stored[0],
        original_height=stored[1],
        width=width,
        height=height,
        channels=channels,
        bit_depth=bits,
        image=image,
        sidecars=tuple(sidecars),
        generation=shard.generation,
    )
