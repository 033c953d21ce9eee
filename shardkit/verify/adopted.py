"""Every byte of a tar that another tool wrote: payloads, what is between them, and what is behind the last."""

from collections.abc import Iterator

from xxhash import xxh3_128

from shardkit.dataset import Shard
from shardkit.verify.findings import Finding, Kind
from shardkit.verify.reading import chunks
from shardkit.verify.tar import Look, Tar, Told


def check(tar: Tar, shard: Shard, part: int, told: Told, look: Look | None) -> Iterator[Finding]:
    """In one part: the bytes between are only known once the sample before has ended."""
    if part:
        return
    columns = tar.columns
    others = columns.rows["other"].to_pylist()
    number = position = 0
    for row, other in enumerate(others):
        hasher, start = xxh3_128(), position
        while number < len(columns) and columns.row_of[number] == row:
            yield from _member(tar, number, look)
            _update(hasher, tar, position, columns.starts[number])
            position = columns.ends[number]
            number += 1
        if hasher.digest() != other:
            yield _other(tar, columns.rows["key"][row].as_py(), start, (other or b"").hex(), hasher.hexdigest())
        told(1, position - start)
    hasher = xxh3_128()
    _update(hasher, tar, position, shard.size)
    if hasher.digest() != shard.other:
        yield _other(tar, None, position, (shard.other or b"").hex(), hasher.hexdigest())


def _member(tar: Tar, number: int, look: Look | None) -> Iterator[Finding]:
    columns = tar.columns
    start, stop = columns.starts[number], columns.ends[number]
    hasher = xxh3_128()
    _update(hasher, tar, start, stop)
    if hasher.digest() != columns.digests[number]:
        yield tar.payload(number, hasher.digest())
    elif look is not None:
        seen = look(number, memoryview(b"".join(bytes(chunk) for chunk in chunks(tar.descriptor, start, stop))))
        yield from (seen,) if seen else ()


def _update(hasher: xxh3_128, tar: Tar, start: int, stop: int) -> None:
    for chunk in chunks(tar.descriptor, start, stop):
        hasher.update(chunk)


def _other(tar: Tar, key: str | None, offset: int, expected: str, found: str) -> Finding:
    kind = Kind.END if key is None else Kind.HEADER
    text = "Bytes from here on that belong to no payload are not what they were."
    return Finding(kind, tar.name, key, offset, f"xxh3-128 {expected}", f"xxh3-128 {found}", text)
