"""The two lists that a user may hand in: which split a subject belongs to, and which group."""

import csv
from pathlib import Path

from shardkit.errors import UsageError
from shardkit.format.digest import seal_of
from shardkit.format.key import encoded
from shardkit.format.refusal import explained


def read_list(path: Path, column: str) -> dict[str, str]:
    """A CSV file `subject,<column>`, with or without that header, as encoded subject → encoded value."""
    with explained(path), path.open(newline="", encoding="utf-8", errors="surrogateescape") as file:
        lines = [(number, row) for number, row in enumerate(csv.reader(file), 1) if row]
    if lines and [cell.strip().lower() for cell in lines[0][1]] == ["subject", column]:
        lines = lines[1:]
    listed: dict[str, str] = {}
    for number, row in lines:
        if len(row) != 2 or not row[0] or not row[1]:  # noqa: PLR2004 - subject and value
            raise UsageError(f"{path}, line {number}: expected `subject,{column}`, found {','.join(row)!a}.")
        subject, value = (encoded(cell.encode("utf-8", "surrogateescape")) for cell in row)
        if listed.setdefault(subject, value) != value:
            raise UsageError(f"{path}, line {number}: {subject} was {listed[subject]} before and is {value} here.")
    return listed


def digest_of(path: Path | None) -> str | None:
    """What the options remember of a list, so that a rerun with another one is noticed."""
    return seal_of(path).blake3 if path else None
