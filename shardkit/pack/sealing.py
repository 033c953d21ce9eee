"""Publishing the files of a generation, and keeping what seals them."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa

from shardkit.format.digest import seal_of, sha256_of
from shardkit.format.numbering import sums_name
from shardkit.format.publish import make_folder, publish_bytes
from shardkit.format.sums import sums
from shardkit.format.tables import write_table

if TYPE_CHECKING:
    from shardkit.dataset import Seal


class Sealing:
    def __init__(self, folder: Path) -> None:
        self.sealed: dict[str, Seal] = {}
        self._folder = folder

    def table(self, name: str, schema: pa.Schema, groups: Iterable[pa.Table], beside: bytes | None = None) -> None:
        path = self._folder / name
        make_folder(path.parent)
        write_table(path, schema, groups, beside)
        self.sealed[name] = seal_of(path)

    def bytes(self, name: str, content: bytes) -> None:
        publish_bytes(self._folder / name, content)
        self.sealed[name] = seal_of(self._folder / name)

    def sums(self, generation: int, tars: Mapping[str, tuple[str, str | None]], *, sha256: bool) -> None:
        """The lists for `b3sum -c` and, when asked, `sha256sum -c`: of the tars and of all that was sealed so far."""
        others = dict(self.sealed)
        blake3 = {name: digests[0] for name, digests in tars.items()} | {
            name: each.blake3 for name, each in others.items()
        }
        self.bytes(sums_name("B3SUMS", generation), sums(blake3))
        if sha256:
            digests = {name: each[1] or sha256_of(self._folder / name) for name, each in tars.items()}
            digests |= {name: sha256_of(self._folder / name) for name in others}
            self.bytes(sums_name("SHA256SUMS", generation), sums(digests))
