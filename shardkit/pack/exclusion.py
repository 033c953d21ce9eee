"""Samples that a user wants left out, by their keys: those, say, that a look at a trained network found mislabelled.

They are inputs like all others, counted and listed as skipped; but since they were asked for, nothing went wrong.
"""

from dataclasses import replace

import pyarrow as pa
import pyarrow.compute as pc

from shardkit.pack.found import KEY, SKIPPED, keys_of, only
from shardkit.pack.lists import ListFile
from shardkit.pack.scan import Scan

EXCLUDED = "excluded"
"""The reason, as skipped.jsonl has it."""
EXCLUDED_BY = "the list of --exclude names it"
"""The detail next to it."""

_SHOWN = 3


def without_excluded(scan: Scan, list_file: ListFile | None) -> Scan:
    """What was found, without the samples that the list names, if there is one."""
    if list_file is None:
        return scan
    keys, names = keys_of(scan.found), _names(list_file)
    chosen = pc.is_in(keys, value_set=names)
    return replace(
        scan,
        found=only(scan.found, pc.invert(chosen)),
        skipped=pa.concat_tables([scan.skipped, _skipped(scan.found["source"].filter(chosen))]),
        warnings=(*scan.warnings, *_in_vain(list_file, names, keys)),
    )


def _names(list_file: ListFile) -> pa.Array:
    """A line is a key as `ls` prints it; a key may begin with #, so what is a comment shows when no sample has it."""
    lines = list_file.read().decode("utf-8-sig", "replace").split("\n")
    return pa.array([line for line in (each.removesuffix("\r") for each in lines) if line.strip()], KEY)


def _skipped(sources: pa.ChunkedArray) -> pa.Table:
    said = [[each] * len(sources) for each in (EXCLUDED, EXCLUDED_BY)]
    return pa.table([sources.cast(pa.binary()), *said], schema=SKIPPED)


def _in_vain(list_file: ListFile, names: pa.Array, keys: pa.ChunkedArray) -> tuple[str, ...]:
    """A warning, where keys of the list are those of no sample: a misspelt one would be trained on."""
    meant = [name for name in names.to_pylist() if not name.startswith("#")]
    known = pc.is_in(pa.array(meant, KEY), value_set=keys).to_pylist()
    unknown = [name for name, there in zip(meant, known, strict=True) if not there]
    if not unknown:
        return ()
    first = ", ".join(map(ascii, unknown[:_SHOWN])) + (", …" if len(unknown) > _SHOWN else "")
    said = f"{list_file}: names {len(unknown):,} of {len(meant):,} in vain: no sample to be packed is {first}."
    return (f"{said} Write keys as `shardkit ls` prints them.",)
