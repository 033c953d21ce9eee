"""A removal that was stopped while it put its files into place: what it changes is neither damage nor rubbish."""

from shardkit.dataset import MANIFEST, WORKPLACE
from shardkit.format.manifest import read_manifest
from shardkit.format.tables import SHARDS, read_table, shards_of
from shardkit.verify.claims import Claims


def removing(claims: Claims) -> frozenset[str]:
    """The files that a committed removal takes away, has put into place, or is yet to put there."""
    staging = claims.folder / WORKPLACE / "removal"
    if not (staging / MANIFEST).is_file():
        return frozenset()
    after = read_manifest(staging)
    name = after.current.shards
    table = (staging if (staging / name).exists() else claims.folder) / name
    before = {shard.name: shard.blake3 for shard in claims.shards}
    tars = {
        each.name for each in shards_of(read_table(table, SHARDS)) if before.get(each.name, each.blake3) != each.blake3
    }
    return frozenset(after.files.keys() ^ claims.files.keys()) | tars
