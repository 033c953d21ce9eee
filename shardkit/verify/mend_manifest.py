"""The manifest, last of all: made again if it is lost, sealed again if a table has the same rows in other bytes."""

import re
from dataclasses import replace

from shardkit.dataset import MANIFEST
from shardkit.errors import Damaged
from shardkit.format.digest import seal_of
from shardkit.format.manifest import LARGEST, manifest_bytes, publish_manifest
from shardkit.format.numbering import sums_name
from shardkit.verify.mending import Mending

_SELF = re.compile(rb'"self":"([0-9a-f]{64})"')


def reseal(mending: Mending) -> None:
    """Another pyarrow writes the same rows as other bytes: then the seals follow, and the sums after them."""
    sealed = {
        name: seal_of(mending.folder / name, mending.folder)
        for name in mending.rewritten
        if name in mending.manifest.files
    }
    changed = {name: seal for name, seal in sealed.items() if seal != mending.manifest.files[name]}
    if not changed:
        return
    mending.use(replace(mending.manifest, files={**mending.manifest.files, **changed}))
    numbers = [generation.number for generation in mending.manifest.generations]
    sums = {sums_name(kind, number) for kind in ("B3SUMS", "SHA256SUMS") for number in numbers}
    mending.stale |= sums & mending.manifest.files.keys()


def mend_manifest(mending: Mending) -> None:
    before = _manifest_now(mending)
    after = manifest_bytes(mending.manifest)
    if after == before:
        return
    publish_manifest(mending.inside, mending.manifest)
    same = _SELF.search(before) is not None and _SELF.findall(before) == _SELF.findall(after)
    if MANIFEST not in mending.broken:
        how = "sealed again: a mended file says the same in other bytes. The digest of the dataset stays."
    else:
        how = "made again from the tables" + (", byte for byte." if same else "; nothing is left to compare it with.")
    mending.mended(MANIFEST, how)


def _manifest_now(mending: Mending) -> bytes:
    if not mending.inside.has_file(MANIFEST):
        return b""
    try:
        return mending.inside.read_bytes(MANIFEST, LARGEST)
    except Damaged:  # it is too large, so its content does not matter
        return b""
