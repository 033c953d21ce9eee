"""SHA256SUMS against the files that it lists: for those who asked for it, and verify as deeply as can be."""

import re
from collections.abc import Callable, Iterator
from functools import partial
from hashlib import sha256
from pathlib import Path

from shardkit.format.numbering import sums_name
from shardkit.format.plain_file import plain_lines
from shardkit.verify.claims import Claims
from shardkit.verify.findings import Finding, Kind
from shardkit.verify.reading import UNREADABLE, file_digest, reason_of
from shardkit.verify.shard import Outcome, unreadable
from shardkit.verify.tar import Told

_LINE = re.compile(r"([0-9a-f]{64})  (.+)")


def sha256_tasks(claims: Claims, there: Callable[[str], bool]) -> Iterator[Callable[[Told], Outcome]]:
    known = {shard.name for shard in claims.shards} | set(claims.files)
    for generation in claims.dataset.manifest.generations if claims.dataset else ():
        name = sums_name("SHA256SUMS", generation.number)
        if name in claims.files and there(name):
            yield from _tasks(claims.folder, name, lambda file: file in known and there(file))


def _tasks(folder: Path, name: str, chosen: Callable[[str], bool]) -> Iterator[Callable[[Told], Outcome]]:
    try:
        for line in plain_lines(folder / name):
            match = _LINE.fullmatch(line.decode("ascii", "replace"))
            if match and chosen(match[2]):
                yield partial(_check, folder, name, match[2], match[1])
    except UNREADABLE as error:
        outcome = Outcome((Finding(Kind.TABLE, name, text=reason_of(error)),))
        yield lambda _told: outcome


def _check(folder: Path, listing: str, name: str, expected: str, told: Told) -> Outcome:
    try:
        found, _ = file_digest(folder / name, lambda: told(0, 0), sha256())
    except OSError as error:
        return Outcome((unreadable(name, error),))
    if found == expected:
        return Outcome(())
    text = f"The SHA-256 of {name!a} is not the one that is listed."
    return Outcome((Finding(Kind.DISAGREES, listing, expected=expected, found=found, text=text),))
