"""What a command that packs says at its end."""

from collections.abc import Iterable, Mapping
from dataclasses import asdict
from pathlib import Path

from shardkit.cli.console import emit, say
from shardkit.dataset import Manifest
from shardkit.format.opened import open_dataset
from shardkit.pack.exclusion import EXCLUDED
from shardkit.verify.leaks import twice


def outcome(
    folder: Path,
    manifest: Manifest,
    *,
    as_json: bool,
    done: str = "packed",
    warnings: Iterable[str] = (),
    more: Mapping[str, object] | None = None,
) -> int:
    """Say what the dataset holds and what it does not; 3 if an input was left out that nobody asked to leave out."""
    generation = manifest.current
    skipped = sum(generation.skipped.values())
    inputs = generation.packed + skipped
    found = twice(open_dataset(folder))
    for split, held in generation.splits.items():
        holds = f"{held.samples:,} samples of {held.subjects:,} subjects in {held.shards:,} shards"
        say(f"{split}: {holds}, {held.bytes:,} bytes")
    for reason, count in generation.skipped.items():
        say(f"skipped: {count:,} {reason} (listed in {generation.listed})")
    for line in (*found.said, *warnings):
        say(line)
    say(f"{folder}: {inputs:,} inputs = {generation.packed:,} {done} + {skipped:,} skipped")
    if as_json:
        emit({"folder": str(folder), **asdict(generation), "inputs": inputs, **found.record(), **(more or {})})
    return 3 if generation.skipped.keys() - {EXCLUDED} else 0
