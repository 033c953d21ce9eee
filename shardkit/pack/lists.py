"""The lists that a user hands in: paths, keys, which split a subject belongs to, and which group."""

import csv
import io
import tempfile
import weakref
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path

from blake3 import blake3

from shardkit.errors import UsageError
from shardkit.format.key import encoded
from shardkit.format.refusal import explained

_BLOCK = 1 << 20
_IN_MEMORY = 16 << 20
"""Bytes of a list beyond which it is copied to a temporary file."""
BY_FILE = "file="
_SHOWN = 80
"""Letters of a line that a message repeats."""


class ListFile:
    """The content of a list with its digest, read once: the user may name a link, or a pipe such as `<(find …)`."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._content = tempfile.SpooledTemporaryFile(_IN_MEMORY)  # noqa: SIM115 - read as long as the list is held
        weakref.finalize(self, self._content.close)
        hasher = blake3()
        with explained(path), path.open("rb") as file:
            while block := file.read(_BLOCK):
                hasher.update(block)
                self._keep(block)
        self.digest = hasher.hexdigest()

    def _keep(self, block: bytes) -> None:
        with explained(Path(tempfile.gettempdir())):
            self._content.write(block)

    def __str__(self) -> str:
        return str(self.path)

    @property
    def is_json(self) -> bool:
        return self.path.suffix.lower() == ".json"

    def blocks(self, size: int) -> Iterator[bytes]:
        self._content.seek(0)
        while block := self._content.read(size):
            yield block

    def read(self) -> bytes:
        return b"".join(self.blocks(_BLOCK))


def read_list(list_file: ListFile, column: str) -> dict[str, str]:
    """A CSV file `subject,<column>`, with or without that header, as encoded subject → encoded value."""
    lines = _lines(list_file)
    if lines and [cell.lower() for cell in lines[0][1]] == ["subject", column]:
        lines = lines[1:]
    listed: dict[str, str] = {}
    for number, row in lines:
        if len(row) != 2 or not row[0] or not row[1]:  # noqa: PLR2004 - subject and value
            found = ascii(",".join(row)[:_SHOWN])
            raise UsageError(f"{list_file}, line {number}: expected `subject,{column}`, found {found}.")
        subject, value = (encoded(cell.encode("utf-8", "surrogateescape")) for cell in row)
        if listed.setdefault(subject, value) != value:
            raise UsageError(f"{list_file}, line {number}: {subject} was {listed[subject]} before and is {value} here.")
    return listed


def _lines(list_file: ListFile) -> list[tuple[int, list[str]]]:
    """Number and cells, as spreadsheets write them: with a mark of UTF-8 in front, and spaces around cells."""
    text = io.StringIO(list_file.read().decode("utf-8-sig", "surrogateescape"), newline="")
    rows = csv.reader(text, skipinitialspace=True, strict=True)
    lines: list[tuple[int, list[str]]] = []
    first = 1  # a quoted cell may hold line ends, so a row can be of several lines
    try:
        for row in rows:
            if row:
                lines.append((first, [cell.strip() for cell in row]))
            first = rows.line_num + 1
    except csv.Error as error:
        raise UsageError(
            f"{list_file}, line {first}: not valid CSV ({error}). Close every quotation mark that opens a cell."
        ) from None
    return lines


def strangers(list_file: ListFile, listed: Mapping[str, str], subjects: Collection[str]) -> tuple[str, ...]:
    """A warning, if a list names some who are not packed; where it names nobody else, it cannot be meant."""
    unknown = sorted(listed.keys() - subjects)
    if not unknown:
        return () if listed else (f"{list_file}: it names no subject.",)
    known = f"{unknown[0]} is not among the subjects that are packed, which look like {min(subjects)}"
    if len(unknown) == len(listed):
        raise UsageError(f"{list_file}: it names none of the subjects: {known}. Write them as they are there.")
    return (f"{list_file}: names {len(unknown):,} of {len(listed):,} in vain: {known}.",)


def by_file(split_file: ListFile) -> str:
    """What the options remember instead of shares, where a list makes the splits."""
    return f"{BY_FILE}{split_file.digest}"


def digest_of(list_file: ListFile | None) -> str | None:
    """What the options remember of a list, so that a rerun with another one is noticed."""
    return list_file.digest if list_file else None
