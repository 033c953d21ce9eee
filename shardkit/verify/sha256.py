"""SHA256SUMS against the files that it lists: for those who asked for it, and verify as deeply as can be."""

import re
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

from shardkit.format.digest import sha256_of
from shardkit.format.numbering import sums_name
from shardkit.verify.claims import Claims
from shardkit.verify.findings import Finding, Kind
from shardkit.verify.shard import Outcome
from shardkit.verify.tar import Told

_LINE = re.compile(r"([0-9a-f]{64})  (.+)")


def sha256_tasks(claims: Claims, there: Callable[[str], bool]) -> Iterator[Callable[[Told], Outcome]]:
    known = {shard.name for shard in claims.shards} | set(claims.files)
    for generation in claims.dataset.manifest.generations if claims.dataset else ():
        name = sums_name("SHA256SUMS", generation.number)
        for line in (claims.folder / name).read_text("ascii", "replace").splitlines() if there(name) else ():
            match = _LINE.fullmatch(line)
            if match and match[2] in known and there(match[2]):
                yield partial(_check, claims.folder, name, match[2], match[1])


def _check(folder: Path, listing: str, name: str, expected: str, told: Told) -> Outcome:
    told(0, 0)
    found = sha256_of(folder / name)
    if found == expected:
        return Outcome(())
    text = f"The SHA-256 of {name!a} is not the one that is listed."
    return Outcome((Finding(Kind.DISAGREES, listing, expected=expected, found=found, text=text),))
