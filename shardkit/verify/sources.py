"""Which source each sample came from, where the index that knew it is lost."""

import os
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

from shardkit.dataset import Manifest, Sample
from shardkit.errors import BadInput
from shardkit.format.key import decoded
from shardkit.image.png import inspect
from shardkit.pack.detection import KNOWN
from shardkit.pack.layout import Layout
from shardkit.pack.options import PackOptions
from shardkit.pack.reading import Tree
from shardkit.pack.scan import scan
from shardkit.pack.tree import SourceTree

_THREADS = 8
_FIELDS = ("{subject}", "{impression}")


def guesses(samples: list[Sample], manifest: Manifest) -> Iterator[list[Sample]]:
    """The samples with the sources that they had if nothing but subject and impression varies in the layout."""
    asked = manifest.options.get("layout")
    for template in [str(asked)] if asked else [each.template for each in KNOWN]:
        if template.count("{") == len(_FIELDS):
            yield [replace(each, source=_filled(template, each)) for each in samples]


def _filled(template: str, sample: Sample) -> bytes:
    path = template.encode()
    for field, value in zip(_FIELDS, (sample.subject, sample.impression), strict=True):
        path = path.replace(field.encode(), decoded(value))
    return path


def sources_in(root: Path, manifest: Manifest) -> dict[str, bytes]:
    """The path of every image of a tree, by its key."""
    asked = manifest.options.get("layout")
    layout = Layout.parsed(str(asked)) if asked else None
    found = scan(root, layout, _THREADS, lambda _count: None).found
    columns = (found[name].to_pylist() for name in ("subject", "impression", "source"))
    return {f"{subject}/{impression}": source for subject, impression, source in zip(*columns, strict=True)}


def looked_up(samples: list[Sample], sources: dict[str, bytes], root: Path, manifest: Manifest) -> list[Sample]:
    """The samples with their sources; where pixels were changed, the original size is asked from those too."""
    found = [replace(each, source=sources.get(each.key, b"")) for each in samples]
    if manifest.codec == "png" and not PackOptions.recorded(manifest.options).prepares:
        return found
    tree = Tree(os.fsencode(root))
    try:
        size_of = _sizes(tree, SourceTree.at(root))
        return [_with_size(each, size_of) for each in found]
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
