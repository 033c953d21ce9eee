"""Lists from the user: splits, groups, exclusions, subjects and paths, in CSV, text or JSON.

Each list is read once, with its digest: it may be a pipe such as `<(find …)`. Sections, in order: the file and its CSV
form, the JSON form, groups, the subjects of `--files`, and keys. Groups come as lines `subject,group` or as pairs
[[id, id], …]; pairs that share a subject form one group, named by its smallest id, so their order does not matter.
"""

import csv
import io
import json
import tempfile
import weakref
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import pyarrow as pa
from blake3 import blake3

from shardkit.errors import UsageError
from shardkit.format.keys import encode_name
from shardkit.pack.options import BY_FILE, PackOptions
from shardkit.pack.source.candidates import KEY_TYPE
from shardkit.storage.errors import os_errors

_BLOCK = 1 << 20

_IN_MEMORY = 16 << 20
"""Bytes of a list beyond which it is copied to a temporary file."""

_SHOWN = 80
"""Letters of a line that a message repeats."""


class ListFile:
    """The content of a list with its digest, read once: the user may name a link, or a pipe such as `<(find …)`."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._content = tempfile.SpooledTemporaryFile(_IN_MEMORY)  # noqa: SIM115 - read as long as the list is held
        weakref.finalize(self, self._content.close)
        hasher = blake3()
        with os_errors(path), path.open("rb") as file:
            while block := file.read(_BLOCK):
                hasher.update(block)
                self._keep(block)
        self.digest = hasher.hexdigest()

    def _keep(self, block: bytes) -> None:
        with os_errors(Path(tempfile.gettempdir())):
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
        subject, value = (encode_name(cell.encode("utf-8", "surrogateescape")) for cell in row)
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


def warn_unknown_subjects(list_file: ListFile, listed: Mapping[str, str], subjects: Collection[str]) -> tuple[str, ...]:
    """A warning, if a list names some who are not packed; where it names nobody else, it cannot be meant."""
    unknown = sorted(listed.keys() - subjects)
    if not unknown:
        return () if listed else (f"{list_file}: it names no subject.",)
    known = f"{unknown[0]} is not among the subjects that are packed, which look like {min(subjects)}"
    if len(unknown) == len(listed):
        raise UsageError(f"{list_file}: it names none of the subjects: {known}. Write them as they are there.")
    return (f"{list_file}: names {len(unknown):,} of {len(listed):,} in vain: {known}.",)


def recorded_split_file(split_file: ListFile) -> str:
    """What the options remember instead of shares, where a list makes the splits."""
    return f"{BY_FILE}{split_file.digest}"


def digest_of(list_file: ListFile | None) -> str | None:
    """What the options remember of a list, so that a rerun with another one is noticed."""
    return list_file.digest if list_file else None


_SHOWN_JSON = 40
"""Letters of what was found instead of a name."""


def read_json(list_file: ListFile) -> Any:  # noqa: ANN401 - whatever it holds
    try:
        return json.loads(list_file.read(), object_pairs_hook=partial(_each_once, list_file))
    except json.JSONDecodeError as error:
        place = f"line {error.lineno}, column {error.colno}"
        raise UsageError(
            f"{list_file}, {place}: this is no JSON ({error.msg}). Mend it there, or write it anew."
        ) from None
    except UnicodeDecodeError as error:
        raise UsageError(
            f"{list_file}, byte {error.start}: this is no text in UTF-8. Write the file in UTF-8."
        ) from None
    except (ValueError, RecursionError) as error:
        raise UsageError(f"{list_file}: cannot be read as JSON ({error}). Write it anew.") from None


def name_bytes(value: object, place: str) -> bytes:
    """A name as the file system has it; of a number its digits, which are what JSON writes before a colon."""
    text = str(value) if isinstance(value, int) and not isinstance(value, bool) else value
    if not isinstance(text, str) or not text or "\0" in text:
        raise UsageError(f"{place}: {abbreviate(value)} is no name. Write one between quotation marks.")
    try:
        return text.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        raise UsageError(f"{place}: {abbreviate(value)} is no text. Write the name in UTF-8.") from None


def abbreviate(value: object) -> str:
    said = ascii(value)
    return said if len(said) <= _SHOWN_JSON else f"{said[:_SHOWN_JSON]}…"


def _each_once(list_file: ListFile, pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object of which nothing is lost: JSON may say a name twice, and readers would keep the last."""
    held = dict(pairs)
    if len(held) < len(pairs):
        counts = Counter(name for name, _ in pairs)
        twice = next(name for name in held if counts[name] > 1)
        raise UsageError(f"{list_file}: {abbreviate(twice)} is there twice. Put what belongs to it into one list.")
    return held


def read_groups(list_file: ListFile) -> dict[str, str]:
    """The group of each subject that the file names, both as they stand in keys."""
    return connected_groups(_pairs(list_file)) if list_file.is_json else read_list(list_file, "group")


def connected_groups(pairs: Iterable[Sequence[str]]) -> dict[str, str]:
    """Everybody who is in a pair, with the smallest of all whom pairs lead to from there."""
    above: dict[str, str] = {}
    for pair in pairs:
        tops = {_root(above, above.setdefault(each, each)) for each in pair}
        above.update(dict.fromkeys(tops, min(tops)))
    return {each: _root(above, each) for each in above}


def _root(above: dict[str, str], each: str) -> str:
    while above[each] != each:
        above[each] = above[above[each]]  # so that no chain stays long
        each = above[each]
    return each


def _pairs(list_file: ListFile) -> Iterator[list[str]]:
    pairs = read_json(list_file)
    if not isinstance(pairs, list):
        raise UsageError(f'{list_file}: {abbreviate(pairs)} is no list of pairs. Write [["id", "id"], …].')
    for number, pair in enumerate(pairs, 1):
        place = f"{list_file}, pair {number:,}"
        if not isinstance(pair, list) or not pair:
            raise UsageError(f'{place}: {abbreviate(pair)} is no pair. Write ["id", "id"], with the ids of twins.')
        yield [encode_name(name_bytes(each, place)) for each in pair]


_MARK = "subjects="

_LIKE = 'Write {"id": ["path", …], …}.'


def digest_of_files(list_file: ListFile | None) -> str | None:
    """What the options remember of `--files`, in whichever of its forms."""
    digest = digest_of(list_file)
    return f"{_MARK}{digest}" if list_file and list_file.is_json else digest


def has_subject_list(options: PackOptions) -> bool:
    """Whether the list that was packed said whose the images are."""
    return options.files is not None and options.files.startswith(_MARK)


def paths_of_subjects(list_file: ListFile) -> Iterator[tuple[bytes, str]]:
    """Each path with its subject, as it stands in keys."""
    lists = read_json(list_file)
    if not isinstance(lists, dict):
        raise UsageError(f"{list_file}: {abbreviate(lists)} is no list of images by subject. {_LIKE}")
    for name, paths in lists.items():
        place = f"{list_file}, subject {abbreviate(name)}"
        if not isinstance(paths, list):
            raise UsageError(f"{place}: {abbreviate(paths)} is no list of paths. {_LIKE}")
        subject = encode_name(name_bytes(name, place))
        for path in paths:
            yield name_bytes(path, place), subject


def _names(list_file: ListFile) -> pa.Array:
    """A line is a key as `ls` prints it; a key may begin with #, so what is a comment shows when no sample has it."""
    lines = list_file.read().decode("utf-8-sig", "replace").split("\n")
    return pa.array([line for line in (each.removesuffix("\r") for each in lines) if line.strip()], KEY_TYPE)
