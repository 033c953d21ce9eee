"""The two lists that a user may hand in: which split a subject belongs to, and which group."""

import csv
from collections.abc import Collection, Mapping
from pathlib import Path

from shardkit.errors import UsageError
from shardkit.format.digest import seal_of
from shardkit.format.key import encoded
from shardkit.format.refusal import explained


def read_list(path: Path, column: str) -> dict[str, str]:
    """A CSV file `subject,<column>`, with or without that header, as encoded subject → encoded value."""
    lines = _lines(path)
    if lines and [cell.lower() for cell in lines[0][1]] == ["subject", column]:
        lines = lines[1:]
    listed: dict[str, str] = {}
    for number, row in lines:
        if len(row) != 2 or not row[0] or not row[1]:  # noqa: PLR2004 - subject and value
            raise UsageError(f"{path}, line {number}: expected `subject,{column}`, found {','.join(row)!a}.")
        subject, value = (encoded(cell.encode("utf-8", "surrogateescape")) for cell in row)
        if listed.setdefault(subject, value) != value:
            raise UsageError(f"{path}, line {number}: {subject} was {listed[subject]} before and is {value} here.")
    return listed


def _lines(path: Path) -> list[tuple[int, list[str]]]:
    """Number and cells, as spreadsheets write them: with a mark of UTF-8 in front, and spaces around cells."""
    with explained(path), path.open(newline="", encoding="utf-8-sig", errors="surrogateescape") as file:
        rows = csv.reader(file, skipinitialspace=True)
        return [(number, [cell.strip() for cell in row]) for number, row in enumerate(rows, 1) if row]


def strangers(path: Path, listed: Mapping[str, str], subjects: Collection[str]) -> tuple[str, ...]:
    """A warning, if a list names some who are not packed; where it names nobody else, it cannot be meant."""
    unknown = sorted(listed.keys() - subjects)
    if not unknown:
        return () if listed else (f"{path}: it names no subject.",)
    known = f"{unknown[0]} is not among the subjects that are packed, which look like {min(subjects)}"
    if len(unknown) == len(listed):
        raise UsageError(f"{path}: it names none of the subjects: {known}. Write them as they are there.")
    return (f"{path}: names {len(unknown):,} of {len(listed):,} in vain: {known}.",)


def digest_of(path: Path | None) -> str | None:
    """What the options remember of a list, so that a rerun with another one is noticed."""
    return seal_of(path).blake3 if path else None
