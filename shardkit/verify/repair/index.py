"""Repair of the index: rows from its intact columns, from the tars, and from the tree.

In order: rows derived from a tar, the rebuilding of damaged files, and the source of each sample, which no tar holds.
Rows are accepted only if they have the recorded digest: then they are the original ones.
"""

import os
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from functools import cached_property, partial
from itertools import groupby
from pathlib import Path

import pyarrow as pa
from xxhash import xxh3_128_digest

from shardkit.errors import BadInput, Damaged
from shardkit.format.keys import decode_name, key_of
from shardkit.format.row_checks import group_limits
from shardkit.format.tables import INDEX, TableFile, parquet_errors, rows_to_table, write_table
from shardkit.format.tar import BLOCK, END_BLOCKS, header, padded_size
from shardkit.image.png.structure import inspect
from shardkit.pack.options import PackOptions
from shardkit.pack.source.file_types import impression_from_path
from shardkit.pack.source.layout import KNOWN_LAYOUTS, Layout, match_first
from shardkit.pack.source.scan import scan_images
from shardkit.pack.source.tree import SourceReader, SourceTree
from shardkit.pack.write.encoders import encoder_for
from shardkit.pack.write.tar_writer import EncodedImage, TarWriter
from shardkit.schema import Manifest, Member, Sample, Shard, Subject
from shardkit.storage.local import READ_ERRORS, opened_fd, read_into
from shardkit.verify.member_table import rows_match_seal
from shardkit.verify.pixels import decoded_shapes
from shardkit.verify.repair.context import RepairContext

_SIZE = slice(124, 135)

_NAME, _PREFIX = slice(0, 100), slice(345, 500)

KnownSubjects = Mapping[tuple[str, str], Subject]
"""Every subject, by split and name."""


def samples_from_tar(path: Path, shard: Shard, known: KnownSubjects, *, from_arrays: bool) -> list[Sample]:
    """The samples of one of our tars, but for their sources: nothing in it tells those."""
    try:
        with opened_fd(path) as tar:
            by_key = groupby(_members(tar, path), key=lambda pair: pair[0])
            return [
                _sample(tar, key, [member for _, member in pairs], shard, known, from_arrays=from_arrays)
                for key, pairs in by_key
            ]
    except (OSError, KeyError, ValueError, BadInput) as error:
        raise Damaged(f"{path.name} cannot tell them, it is damaged too ({error})") from error


def _members(tar: int, path: Path) -> Iterator[tuple[str, Member]]:
    """Every member; a header that is not one of ours ends it."""
    position = 0
    while (block := _read(tar, position, BLOCK)) != END_BLOCKS[:BLOCK]:
        prefix, name = (bytes(block[field]).rstrip(b"\x00") for field in (_PREFIX, _NAME))
        whole = (prefix + b"/" + name if prefix else name).decode()
        size = int(block[_SIZE], 8)
        if header(whole, size) != block:
            raise Damaged(f"{path.name} cannot tell them, its header at byte {position:,} is damaged")
        key, _, ext = whole.partition(".")
        payload = _read(tar, position + BLOCK, size)
        yield key, Member(ext, position + BLOCK, size, xxh3_128_digest(payload))
        position += BLOCK + padded_size(size)


def _read(tar: int, offset: int, size: int) -> bytes:
    content = bytearray(size)
    if size and read_into(tar, memoryview(content), offset) < size:
        raise ValueError("it was cut off")
    return bytes(content)


def _sample(
    tar: int, key: str, members: list[Member], shard: Shard, known: KnownSubjects, *, from_arrays: bool
) -> Sample:
    subject, _, impression = key.partition("/")
    image, *sidecars = members
    who = known[shard.split, subject]
    shape, stored = decoded_shapes(image.ext, memoryview(_read(tar, image.offset, image.size)), from_arrays=from_arrays)
    width, height, channels, bits = shape
    return Sample(
        key=key,
        subject=subject,
        impression=impression,
        group=who.group,
        label=who.label,
        source=b"",
        original_width=stored[0],
        original_height=stored[1],
        width=width,
        height=height,
        channels=channels,
        bit_depth=bits,
        image=image,
        sidecars=tuple(sidecars),
        generation=shard.generation,
    )


_UNTOLD = ("source", "original_width", "original_height")
"""What no tar tells."""


def repair_index(mending: RepairContext) -> None:
    shards = sorted(mending.dataset.shards, key=lambda each: (each.index, each.row_group))
    rebuilding = _Rebuilding(mending)
    for name, of_index in groupby(shards, key=lambda each: each.index):
        if name in mending.broken:
            _repair_file(mending, rebuilding, name, list(of_index))


def _repair_file(mending: RepairContext, rebuilding: "_Rebuilding", name: str, shards: list[Shard]) -> None:
    try:
        write_table(mending.inside, name, INDEX, [rebuilding.rows(shard) for shard in shards])
    except Damaged as error:
        mending.unrepairable(name, str(error))
        return
    mending.repaired(name, "written again; its rows are those that were sealed.")


class _Rebuilding:
    def __init__(self, mending: RepairContext) -> None:
        self._mending = mending

    def rows(self, shard: Shard) -> pa.Table:
        """The rows of a shard, proven by their digest."""
        whole = self._whole_columns(shard)
        for candidate in self._candidates(shard, whole):
            if rows_match_seal(candidate, shard):
                return candidate
        raise Damaged(f"The rows of {shard.name} cannot be told from what is whole. {self._advice}")

    @property
    def _advice(self) -> str:
        if self._mending.source is None:
            return "Name the tree that they were packed from with --source."
        return f"Images that were packed are missing in {self._mending.source}, or have changed since."

    def _candidates(self, shard: Shard, whole: dict[str, pa.ChunkedArray]) -> Iterator[pa.Table]:
        if len(whole) == len(INDEX):
            yield pa.table(whole, INDEX)
        if shard.adopted:
            raise Damaged("Another tool made these tars. Index them anew: `shardkit index`.")
        untold = {name: whole[name] for name in _UNTOLD if name in whole}
        for samples in self._derived(shard):
            # A damaged footer can make a column of other values: so some are tried without those that tars tell.
            yield from (_combined(samples, columns) for columns in (whole, untold, {}))

    def _derived(self, shard: Shard) -> Iterator[list[Sample]]:

        mending = self._mending
        samples = samples_from_tar(
            mending.folder / shard.name, shard, self._subjects, from_arrays=mending.manifest.is_from_arrays
        )
        stored = [replace(each, width=each.original_width, height=each.original_height) for each in samples]
        # Older versions put the stored sides of an image that EXIF turns into the index, and their digest covers those.
        for found in (samples, stored) if stored != samples else (samples,):
            yield found
            yield from guess_sources(found, mending.manifest)
            if mending.source is not None and not mending.manifest.is_from_arrays:
                yield self._sources.found_by_path(found)
                yield self._sources.found_by_bytes(found)

    @cached_property
    def _sources(self) -> "SourceFinder":

        assert self._mending.source is not None, "asked only where there is a source"
        return SourceFinder(self._mending.source, self._mending.manifest)

    @cached_property
    def _subjects(self) -> dict[tuple[str, str], Subject]:
        return {(each.split, each.subject): each for each in self._mending.dataset.subjects}

    def _whole_columns(self, shard: Shard) -> dict[str, pa.ChunkedArray]:
        """The columns whose pages still match their checksums."""
        columns: dict[str, pa.ChunkedArray] = {}
        path = self._mending.folder / shard.index
        with suppress(*READ_ERRORS):
            file = TableFile(path, self._mending.folder)
            for field in INDEX:
                with suppress(*READ_ERRORS), parquet_errors(path, self._mending.folder):
                    column = file.read_group(shard.row_group, pa.schema([field]), group_limits(shard))[field.name]
                    if len(column) == shard.samples:
                        columns[field.name] = column
        return columns


def _combined(samples: list[Sample], whole: dict[str, pa.ChunkedArray]) -> pa.Table:
    rows = rows_to_table(samples, INDEX)
    fitting = all(len(column) == len(rows) for column in whole.values())
    return pa.table({name: whole.get(name, rows[name]) for name in INDEX.names}, INDEX) if fitting else rows


_THREADS = 8

_FIELDS = ("{subject}", "{impression}")


def guess_sources(samples: list[Sample], manifest: Manifest) -> Iterator[list[Sample]]:
    """Yield the samples with the sources that they had if nothing but subject and impression varies in the layout.

    In arrays the source of a sample is its number, and so is its impression, with zeros in front.
    """
    if manifest.is_from_arrays:
        yield [replace(each, source=(each.impression.lstrip("0") or "0").encode()) for each in samples]
        return
    for layout in _layouts(manifest):
        if layout.template.count("{") == len(_FIELDS):
            yield [replace(each, source=_fill_layout(layout.template, each)) for each in samples]


def _layouts(manifest: Manifest) -> tuple[Layout, ...]:
    asked = manifest.options.get("layout")
    return (Layout.parse(str(asked)),) if asked else KNOWN_LAYOUTS


def _fill_layout(template: str, sample: Sample) -> bytes:
    path = template.encode()
    for field, value in zip(_FIELDS, (sample.subject, sample.impression), strict=True):
        path = path.replace(field.encode(), decode_name(value))
    return path


class SourceFinder:
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
        tree = SourceReader(os.fsencode(self._root))
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
            return not by_path, source in used, impression_from_path(source) != sample.impression

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
            if explained := match_first(_layouts(self._manifest), source):
                sources[key_of(*explained[1:])].append(source)
        return sources

    @cached_property
    def _by_bytes(self) -> Mapping[tuple[str, bytes], Mapping[bytes, tuple[int, int]]]:
        """The sources, with the sizes of their images, by the ending and the digest that they have in a shard."""
        sources: defaultdict[tuple[str, bytes], dict[bytes, tuple[int, int]]] = defaultdict(dict)
        for source, stored in iter_encoded_images(self._root, self._found, self._manifest):
            if isinstance(stored, EncodedImage):
                sources[stored.member.ext, stored.member.xxh3][source] = stored.original
        return sources


def iter_encoded_images(
    root: Path, found: pa.Table, manifest: Manifest
) -> Iterator[tuple[bytes, EncodedImage | BadInput]]:
    """Yield what becomes of each image when it is packed, or why it cannot be packed."""
    store = encoder_for(PackOptions.recorded(manifest.options), manifest.codec)  # type: ignore[arg-type]  # as recorded
    spool = TarWriter(lambda _chunk: None, [])
    tree = SourceReader(os.fsencode(root))
    try:
        for row in found.select(["source", "size", "mtime_ns"]).to_pylist():
            try:
                yield row["source"], store(spool, "k", row["size"], partial(tree.read, *row.values()))
            except BadInput as bad:
                yield row["source"], bad
            spool.rollback()
    finally:
        tree.close()


SizeOf = Callable[[bytes], tuple[int, int]]


def _sizes(tree: SourceReader, found: SourceTree) -> SizeOf:
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
