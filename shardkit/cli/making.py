"""Making shards before the user's eyes: shared by the commands that pack."""

from collections.abc import Iterable

from shardkit.cli.console import progress
from shardkit.pack import packing
from shardkit.pack.engines import ENGINES
from shardkit.pack.familiar import planned_sources, refuse_another_source
from shardkit.pack.shard import Work


def make(work: Work, mine: Iterable[int], engine: str, workers: int) -> None:
    """Make those of my shards that are not there yet."""
    samples = {number: work.plan.shards[number].samples for number in mine}
    missing = [number for number in packing.missing(work.folder, work.plan) if number in samples]
    if missing and not work.plan.terms.asked.arrays:
        refuse_another_source(work.root, planned_sources(work.plan, missing), work.folder, unfinished=True)
    there = sum(samples.values()) - sum(samples[number] for number in missing)
    with progress("images", sum(samples.values())) as shown:
        shown.skip(there)
        packing.pack_all(work, missing, ENGINES[engine], workers, shown.advance)
