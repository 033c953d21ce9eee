"""Which source each sample came from, where the index that knew it is lost."""

import os
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cached_property, partial
from pathlib import Path

import pyarrow as pa

from shardkit.dataset import Manifest, Sample
from shardkit.errors import BadInput
from shardkit.format.key import decoded, key_of
from shardkit.image.png import inspect
from shardkit.pack.detection import KNOWN, explained_by
from shardkit.pack.layout import Layout
from shardkit.pack.members import Stored, store_for
from shardkit.pack.names import impression_in
from shardkit.pack.options import PackOptions
from shardkit.pack.reading import Tree
from shardkit.pack.scan import scan_images
from shardkit.pack.spool import Spool
from shardkit.pack.tree import SourceTree

_THREADS = 8
_FIELDS = ("{subject}", "{impression}")


def guesses(samples: list[Sample], manifest: Manifest) -> Iterator[list[Sample]]:
    """Yield the samples with the sources that they had if nothing but subject and impression varies in the layout.

    In arrays the source of a sample is its number, and so is its impression, with zeros in front.
    """
    if manifest.is_from_arrays:
        yield [replace(each, source=(each.impression.lstrip("0") or "0").encode()) for each in samples]
        return
    for layout in _layouts(manifest):
        if layout.template.count("{") == len(_FIELDS):
            yield [replace(each, source=_filled(layout.template, each)) for each in samples]


def _layouts(manifest: Manifest) -> tuple[Layout, ...]:
    asked = manifest.options.get("layout")
    return (Layout.parsed(str(asked)),) if asked else KNOWN


def _filled(template: str, sample: Sample) -> bytes:
    path = template.encode()
    for field, value in zip(_FIELDS, (sample.subject, sample.impression), strict=True):
        path = path.replace(field.encode(), decoded(value))
    return path


class Sources:
    """The images of a tree, to find out which of them each sample of a dataset was.

    They need not be all images of the tree, nor lie as a layout says: a list may have named them.
    """

    def __init__(self, root: Path, manifest: Manifest) -> None:
        self._root, self._manifest = root, manifest
        self._found = scan_images(root, _THREADS)

    def found_by_path(self, samples: list[Sample]) -> list[Sample]:
        """Return the samples with the sources whose paths have their keys; sources without one stay empty."""
        found = [replace(each, source=self._by_key.get(each.key, [b""])[0]) for each in samples]
        if self._manifest.codec == "png" and not PackOptions.recorded(self._manifest.options).prepares:
            return found
        tree = Tree(os.fsencode(self._root))
        try:
            size_of = _sizes(tree, SourceTree.at(self._root))
            return [_with_size(each, size_of) for each in found]
        finally:
            tree.close()

    def found_by_bytes(self, samples: list[Sample]) -> list[Sample]:
        """Return the samples with the sources that become their very bytes when they are packed."""
        used: set[bytes] = set()
        return [self._found_by_bytes(sample, used) for sample in samples]

    def _found_by_bytes(self, sample: Sample, used: set[bytes]) -> Sample:
        def least_fitting(source: bytes) -> tuple[bool, bool, bool]:
            by_path = source in self._by_key.get(sample.key, ())
            return not by_path, source in used, impression_in(source) != sample.impression

        same = self._by_bytes.get((sample.image.ext, sample.image.xxh3))
        if not same:
            return sample
        source = min(same, key=least_fitting)
        used.add(source)
        width, height = same[source]
        return replace(sample, source=source, original_width=width, original_height=height)

    @cached_property
    def _by_key(self) -> Mapping[str, Sequence[bytes]]:
        sources: defaultdict[str, list[bytes]] = defaultdict(list)
        for source in self._found["source"].to_pylist():
            if explained := explained_by(_layouts(self._manifest), source):
                sources[key_of(*explained[1:])].append(source)
        return sources

    @cached_property
    def _by_bytes(self) -> Mapping[tuple[str, bytes], Mapping[bytes, tuple[int, int]]]:
        """The sources, with the sizes of their images, by the ending and the digest that they have in a shard."""
        sources: defaultdict[tuple[str, bytes], dict[bytes, tuple[int, int]]] = defaultdict(dict)
        for source, stored in stored_images(self._root, self._found, self._manifest):
            if isinstance(stored, Stored):
                sources[stored.member.ext, stored.member.xxh3][source] = stored.original
        return sources


def stored_images(root: Path, found: pa.Table, manifest: Manifest) -> Iterator[tuple[bytes, Stored | BadInput]]:
    """Yield what becomes of each image when it is packed, or why it cannot be packed."""
    store = store_for(PackOptions.recorded(manifest.options), manifest.codec)  # type: ignore[arg-type]  # as recorded
    spool = Spool(lambda _chunk: None, [])
    tree = Tree(os.fsencode(root))
    try:
        for row in found.select(["source", "size", "mtime_ns"]).to_pylist():
            try:
                yield row["source"], store(spool, "k", row["size"], partial(tree.read, *row.values()))
            except BadInput as bad:
                yield row["source"], bad
            spool.take_back()
    finally:
        tree.close()


SizeOf = Callable[[bytes], tuple[int, int]]


def _sizes(tree: Tree, found: SourceTree) -> SizeOf:
    def size_of(source: bytes) -> tuple[int, int]:
        size, mtime_ns = found.size_and_time(source)
        content = memoryview(bytearray(size))
        tree.read(source, size, mtime_ns, content)
        info = inspect(content)
        return info.width, info.height

    return size_of


def _with_size(sample: Sample, size_of: SizeOf) -> Sample:
    try:
        width, height = size_of(sample.source)
    except BadInput:  # what it was shows when the rows are compared
        return sample
    return replace(sample, original_width=width, original_height=height)
