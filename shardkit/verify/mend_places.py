"""Whole shards under wrong names get their own back. At every moment each of them has a name that tells whose it is."""

from pathlib import Path

from shardkit.format.publish import part_of, place
from shardkit.verify.findings import Kind
from shardkit.verify.mending import Mending


def mend_places(mending: Mending) -> None:
    names = {shard.blake3: shard.name for shard in mending.dataset.shards}
    wrong = {finding.file: names[finding.found] for finding in mending.findings if finding.kind is Kind.MISPLACED}
    for file, name in wrong.items():
        place(mending.folder / file, part_of(mending.folder / name))
    for file, name in wrong.items():
        place(part_of(mending.folder / name), mending.folder / name)
        mending.say(f"{file}: held the bytes of {name}, which has them again.")


def remove_leftovers(mending: Mending) -> None:
    """What a killed process left under a name that only ours have is removed; any other file is not ours to remove."""
    for finding in mending.findings:
        path = Path(mending.folder / finding.file)
        if finding.kind is Kind.LEFTOVER and path.is_file():
            path.unlink()
            mending.say(f"{finding.file}: removed, it was the rubbish of a killed process.")
        elif finding.kind is Kind.EXTRA and path.exists():
            mending.give_up(finding.file, "It does not belong here, and is not ours to remove. Move it away.")
