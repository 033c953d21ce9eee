"""The lists: what was skipped, and the sums for whoever has no shardkit."""

from collections.abc import Iterator

from blake3 import blake3

from shardkit.dataset import Generation
from shardkit.errors import ShardkitError
from shardkit.format.digest import sha256_of
from shardkit.format.numbering import sums_name
from shardkit.format.sums import sums
from shardkit.verify.mending import Mending
from shardkit.verify.reading import UNREADABLE


def mend_skipped(mending: Mending) -> None:
    for generation in mending.manifest.generations:
        if generation.listed not in mending.broken:
            continue
        content = b"" if not generation.skipped else _skipped_again(mending, generation)
        if content is not None and blake3(content).hexdigest() == mending.manifest.files[generation.listed].blake3:
            mending.inside.publish_bytes(generation.listed, content)
            mending.mended(generation.listed, "written again, byte for byte.")
        else:
            why = "Only the source as it was then tells which inputs were skipped; the manifest still counts them."
            mending.give_up(generation.listed, why if mending.source else f"{why} Name it with --source.")


def _skipped_again(mending: Mending, generation: Generation) -> bytes | None:
    """Scan the tree again, and try again what is in it and not in the dataset."""
    options = mending.manifest.options
    if mending.source is None or mending.manifest.is_from_arrays or options.get("adopted"):
        return None
    from shardkit.verify.skipping import skipped_in  # noqa: PLC0415 - it brings the image libraries along

    try:
        return skipped_in(mending.source, mending.dataset, generation)
    except (ShardkitError, OSError):
        return None


def mend_sums(mending: Mending) -> None:
    """Once all else is whole: they follow from it."""
    for generation in mending.manifest.generations:
        name = sums_name("B3SUMS", generation.number)
        if name in mending.broken:
            files = {each: mending.manifest.files[each].blake3 for each in _beside_tars(generation)}
            _write(mending, name, {shard.name: shard.blake3 for shard in mending.own(generation)} | files)
        name = sums_name("SHA256SUMS", generation.number)
        if name in mending.broken:
            names = [*(shard.name for shard in mending.own(generation)), *_beside_tars(generation)]
            try:
                _write(mending, name, {each: sha256_of(mending.folder / each, mending.folder) for each in names})
            except UNREADABLE as error:
                mending.give_up(name, f"It needs every file to be whole ({error}).")


def _write(mending: Mending, name: str, digests: dict[str, str]) -> None:
    mending.inside.publish_bytes(name, sums(digests))
    mending.mended(name, "written again.")


def _beside_tars(generation: Generation) -> Iterator[str]:
    yield from (*generation.index, generation.shards, generation.subjects, generation.listed)
