"""What a command that packs says at its end."""

from dataclasses import asdict
from pathlib import Path

from shardkit.cli.console import emit, say
from shardkit.dataset import Manifest
from shardkit.format.opened import open_dataset
from shardkit.verify.leaks import twice


def outcome(folder: Path, manifest: Manifest, *, as_json: bool) -> int:
    """Say what the dataset holds and what it does not; 3 if an input was left out."""
    generation = manifest.current
    skipped = sum(generation.skipped.values())
    found = twice(open_dataset(folder))
    for split, held in generation.splits.items():
        holds = f"{held.samples:,} samples of {held.subjects:,} subjects in {held.shards:,} shards"
        say(f"{split}: {holds}, {held.bytes:,} bytes")
    for reason, count in generation.skipped.items():
        say(f"skipped: {count:,} {reason} (listed in {generation.listed})")
    for line in found.said:
        say(line)
    say(f"{folder}: {generation.packed + skipped:,} inputs = {generation.packed:,} packed + {skipped:,} skipped")
    if as_json:
        emit({"folder": str(folder), **asdict(generation), "inputs": generation.packed + skipped, **found.record()})
    return 3 if skipped else 0
