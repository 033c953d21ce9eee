"""Check of every byte of a tar: payloads by their digests, all other bytes by writing them again from the index.

This is the loop in which a verify of terabytes spends its time. The last part is for adopted tars: payloads, the bytes
between them, and the bytes after the last one, all by digests.
"""

from bisect import bisect_right
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from xxhash import xxh3_128, xxh3_128_digest

from shardkit.format.tar import BLOCK, END_BLOCKS, header, padding
from shardkit.schema import Shard
from shardkit.storage.local import CHUNK_SIZE, read_chunks, read_into
from shardkit.verify.findings import Finding, FindingKind
from shardkit.verify.member_table import MemberTable

Progress = Callable[[int, int], None]
"""Told how many samples and bytes were checked just now; it may raise to stop the work."""

PayloadCheck = Callable[[int, memoryview], Finding | None]
"""Asked about every payload that is whole, by the number of the member."""


@dataclass(frozen=True)
class TarChecker:
    name: str
    descriptor: int
    size: int
    """As it is, which need not be as it was."""
    columns: MemberTable

    def members(self, first: int, last: int, told: Progress, look: PayloadCheck | None = None) -> Iterator[Finding]:
        """Check the members from `first` to before `last`, and the bytes between; what is cut off is told elsewhere."""
        buffer = bytearray(CHUNK_SIZE)
        ends = self.columns.ends
        last = min(last, bisect_right(ends, self.size))
        while first < last:
            position = ends[first - 1] if first else 0
            stop = bisect_right(ends, position + CHUNK_SIZE, first, last)
            try:
                if stop > first and read_into(
                    self.descriptor, memoryview(buffer)[: ends[stop - 1] - position], position
                ):
                    yield from self._run(buffer, position, first, stop, look)
                else:
                    stop = first + 1
                    yield from self._large(position, first, look)
            except OSError as error:
                stop = first + 1 if stop - first < 2 else stop  # noqa: PLR2004
                yield from self._one_by_one(first, stop, error, look)
            told(self.columns.samples(first, stop), ends[stop - 1] - position)
            first = stop

    def end(self) -> Iterator[Finding]:
        """Check what is behind the last member."""
        columns = self.columns
        start = columns.ends[-1] if len(columns) else 0
        filling = padding(columns.sizes[-1]) if len(columns) else b""
        content = bytearray(len(filling) + len(END_BLOCKS))
        try:
            count = read_into(self.descriptor, memoryview(content), start) if start <= self.size else 0
        except OSError as error:
            yield self._unreadable(start, None, error)
            return
        yield from self._padding(len(columns) - 1, start, filling, content[: min(count, len(filling))])
        yield from self._compared(
            FindingKind.END, None, start + len(filling), END_BLOCKS, content[len(filling) : count]
        )

    def _run(
        self, buffer: bytearray, position: int, first: int, stop: int, look: PayloadCheck | None
    ) -> Iterator[Finding]:
        """Members that lie in the buffer as a whole, which holds the tar from `position` on."""
        columns = self.columns
        view = memoryview(buffer)
        done = 0
        before = padding(columns.sizes[first - 1]) if first else b""
        for number, name, start, size, digest in zip(
            range(first, stop),
            columns.names[first:stop],
            columns.starts[first:stop],
            columns.sizes[first:stop],
            columns.digests[first:stop],
            strict=True,
        ):
            start -= position  # noqa: PLW2901 - in the buffer
            if buffer[done:start] != before + header(name, size):
                yield from self._between(number, position + done, buffer[done:start])
            done = start + size
            payload = view[start:done]
            if xxh3_128_digest(payload) != digest:
                yield self.payload(number, xxh3_128_digest(payload))
            elif look is not None and (seen := look(number, payload)):
                yield seen
            before = padding(size)

    def _large(self, position: int, number: int, look: PayloadCheck | None) -> Iterator[Finding]:
        """A member that the buffer does not hold, piece by piece."""
        start, size = self.columns.starts[number], self.columns.sizes[number]
        between = bytearray(start - position)
        read_into(self.descriptor, memoryview(between), position)
        yield from self._between(number, position, between)
        hasher = xxh3_128()
        for chunk in read_chunks(self.descriptor, start, start + size):
            hasher.update(chunk)
        if hasher.digest() != self.columns.digests[number]:
            yield self.payload(number, hasher.digest())
        elif look is not None:
            whole = memoryview(bytearray(size))
            read_into(self.descriptor, whole, start)
            if seen := look(number, whole):
                yield seen

    def _one_by_one(self, first: int, stop: int, error: OSError, look: PayloadCheck | None) -> Iterator[Finding]:
        """The disk failed somewhere in these members: find out where, and check the others."""
        if stop - first == 1:
            yield self._unreadable(self.columns.starts[first], self.columns.key(first), error)
            return
        for number in range(first, stop):
            try:
                yield from self._large(self.columns.ends[number - 1] if number else 0, number, look)
            except OSError as again:
                yield self._unreadable(self.columns.starts[number], self.columns.key(number), again)

    def _between(self, number: int, position: int, found: bytearray) -> Iterator[Finding]:
        """The padding of the member before, and the header of this one."""
        columns = self.columns
        filling = padding(columns.sizes[number - 1]) if number else b""
        yield from self._padding(number - 1, position, filling, found[: len(filling)])
        expected = header(columns.names[number], columns.sizes[number])
        place = columns.starts[number] - BLOCK
        yield from self._compared(FindingKind.HEADER, columns.key(number), place, expected, found[len(filling) :])

    def _padding(self, number: int, position: int, expected: bytes, found: bytearray) -> Iterator[Finding]:
        if expected:
            yield from self._compared(FindingKind.PADDING, self.columns.key(number), position, expected, found)

    def _compared(
        self, kind: FindingKind, key: str | None, position: int, expected: bytes, found: bytearray
    ) -> Iterator[Finding]:
        """A finding at the first byte that differs; what was cut off is told elsewhere."""
        for place, (wanted, byte) in enumerate(zip(expected, found, strict=False)):
            if wanted != byte:
                yield Finding(kind, self.name, key, position + place, f"{wanted:02x}", f"{byte:02x}", _WHAT[kind])
                return

    def payload(self, number: int, digest: bytes) -> Finding:
        columns = self.columns
        what = f"{columns.names[number]!a}, {columns.sizes[number]:,} bytes long, is not what was packed."
        expected, found = (f"xxh3-128 {each.hex()}" for each in (columns.digests[number], digest))
        return Finding(
            FindingKind.PAYLOAD, self.name, columns.key(number), columns.starts[number], expected, found, what
        )

    def _unreadable(self, offset: int, key: str | None, error: OSError) -> Finding:
        return Finding(FindingKind.UNREADABLE, self.name, key, offset, text=f"The disk reports «{error.strerror}».")


_WHAT = {
    FindingKind.HEADER: "A byte of the header is wrong.",
    FindingKind.PADDING: "A byte of the zeros behind the payload is wrong.",
    FindingKind.END: "A byte of the zeros at the end of the tar is wrong.",
}


def check_adopted(
    tar: TarChecker, shard: Shard, part: int, told: Progress, look: PayloadCheck | None
) -> Iterator[Finding]:
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


def _member(tar: TarChecker, number: int, look: PayloadCheck | None) -> Iterator[Finding]:
    columns = tar.columns
    start, stop = columns.starts[number], columns.ends[number]
    hasher = xxh3_128()
    _update(hasher, tar, start, stop)
    if hasher.digest() != columns.digests[number]:
        yield tar.payload(number, hasher.digest())
    elif look is not None:
        seen = look(number, memoryview(b"".join(bytes(chunk) for chunk in read_chunks(tar.descriptor, start, stop))))
        yield from (seen,) if seen else ()


def _update(hasher: xxh3_128, tar: TarChecker, start: int, stop: int) -> None:
    for chunk in read_chunks(tar.descriptor, start, stop):
        hasher.update(chunk)


def _other(tar: TarChecker, key: str | None, offset: int, expected: str, found: str) -> Finding:
    kind = FindingKind.END if key is None else FindingKind.HEADER
    text = "Bytes from here on that belong to no payload are not what they were."
    return Finding(kind, tar.name, key, offset, f"xxh3-128 {expected}", f"xxh3-128 {found}", text)
