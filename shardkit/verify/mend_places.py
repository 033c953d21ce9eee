"""Whole shards under wrong names get their own back. At every moment each of them has a name that tells whose it is."""

from shardkit.verify.findings import Kind, plain
from shardkit.verify.mending import Mending


def mend_places(mending: Mending) -> None:
    names = {shard.blake3: shard.name for shard in mending.dataset.shards}
    found = {names[each.found]: each.file for each in mending.findings if each.kind is Kind.MISPLACED}
    movable = _movable({file: name for name, file in found.items()}, mending)
    folder = mending.inside
    # On the way they have a name that no command takes for a temporary file: it may be the only copy.
    for file, name in movable.items():
        folder.move(file, f"{name}.misplaced")
    for file, name in movable.items():
        folder.move(f"{name}.misplaced", name)
        mending.mended(name, f"lay in {plain(file)}, and is back in its place.")


def _movable(wrong: dict[str, str], mending: Mending) -> dict[str, str]:
    """Those whose place is empty, becomes so, or holds their own damaged bytes: any others may be an only copy."""
    misplaced = {each.file for each in mending.findings if each.kind not in _ITS_OWN}
    spoiled = {each.file for each in mending.findings if each.kind in _ITS_OWN} - misplaced

    def blocked(name: str) -> bool:
        return name not in wrong and name not in spoiled and mending.inside.exists(name)

    while any(map(blocked, wrong.values())):
        wrong = {file: name for file, name in wrong.items() if not blocked(name)}
    return wrong


_ITS_OWN = {Kind.SIZE, Kind.DIGEST, Kind.HEADER, Kind.PADDING, Kind.PAYLOAD, Kind.END}


def remove_leftovers(mending: Mending) -> None:
    """What a killed process left under a name that only ours have is removed; any other file is not ours to remove."""
    for finding in mending.findings:
        if finding.kind is Kind.LEFTOVER and mending.inside.has_file(finding.file):
            mending.inside.remove_file(finding.file)
            mending.say(f"{plain(finding.file)}: removed, a temporary file of a killed process.")
        elif finding.kind is Kind.EXTRA and mending.inside.exists(finding.file):
            mending.give_up(finding.file, "It does not belong here, and is not ours to remove. Move it away.")
