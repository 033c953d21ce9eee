"""Publishing the files of a generation, and keeping what seals them."""

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

import pyarrow as pa

from shardkit.format.digest import seal_of, sha256_of
from shardkit.format.folder import DatasetFolder
from shardkit.format.numbering import sums_name
from shardkit.format.sums import sums
from shardkit.format.tables import write_table

if TYPE_CHECKING:
    from shardkit.dataset import Seal


class Sealing:
    def __init__(self, folder: DatasetFolder) -> None:
        self.sealed: dict[str, Seal] = {}
        self._folder = folder

    def table(self, name: str, schema: pa.Schema, groups: Iterable[pa.Table], beside: bytes | None = None) -> None:
        write_table(self._folder, name, schema, groups, beside)
        self.seal(name)

    def bytes(self, name: str, content: bytes) -> None:
        self._folder.publish_bytes(name, content)
        self.seal(name)

    def seal(self, name: str) -> None:
        self.sealed[name] = seal_of(self._folder.path / name, self._folder.dataset)

    def sums(self, generation: int, tars: Mapping[str, tuple[str, str | None]], *, sha256: bool) -> None:
        """The lists for `b3sum -c` and, when asked, `sha256sum -c`: of the tars and of all that was sealed so far."""
        others = dict(self.sealed)
        blake3 = {name: digests[0] for name, digests in tars.items()} | {
            name: each.blake3 for name, each in others.items()
        }
        self.bytes(sums_name("B3SUMS", generation), sums(blake3))
        if sha256:
            digests = {name: each[1] or self._sha256(name) for name, each in tars.items()}
            digests |= {name: self._sha256(name) for name in others}
            self.bytes(sums_name("SHA256SUMS", generation), sums(digests))

    def _sha256(self, name: str) -> str:
        return sha256_of(self._folder.path / name, self._folder.dataset)
