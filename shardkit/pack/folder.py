"""One folder of a tree: the samples in it, the folders below it, and what is neither.

A folder is listed as a whole before anything in it is taken, so that sidecars find their image without a question to
the disk. So a folder's names must fit into memory: 200 bytes each.
"""

import os
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import groupby
from typing import NamedTuple

from shardkit.errors import BadInput
from shardkit.pack.detection import Census, explained_by
from shardkit.pack.found import Found, Rows, Sidecar, Skipped, found_chunk, skipped_chunk
from shardkit.pack.layout import Layout
from shardkit.pack.limits import check_file_size
from shardkit.pack.names import ignored_as, impression_in, is_image, is_junk, is_sidecar, stem, suffix
from shardkit.pack.tree import SourceTree, joined, refused

Listed = Mapping[bytes, str | None]
"""Names in a folder, each with its subject if the list that names it says whose it is."""


class Folder(NamedTuple):
    """A folder to look into: for everything, or for some names alone."""

    path: bytes
    names: Listed | None = None


@dataclass(frozen=True)
class Seen:
    """What some folders hold. It grows while they are looked into."""

    tree: SourceTree
    layouts: tuple[Layout, ...]
    """Empty where a list says whose each image is, and its file name which."""
    found: Rows[Found] = field(default_factory=lambda: Rows(found_chunk))
    skipped: Rows[Skipped] = field(default_factory=lambda: Rows(skipped_chunk))
    ignored: Counter[str] = field(default_factory=Counter)
    census: Census = field(default_factory=Census)
    folders: list[Folder] = field(default_factory=list)
    """Those below, still to be looked into."""

    def look(self, folders: Iterable[Folder]) -> "Seen":
        for path, names in folders:
            if names is None:
                self._look(path)
            else:
                self._look_for(path, names)
        return self

    def _look(self, folder: bytes) -> None:
        names = list[bytes]()
        with self._skipping(folder), os.scandir(self.tree.path(folder)) as entries:
            for entry in entries:
                self._sort_out(folder, entry, names)
            self._take(folder, names, {})

    def _sort_out(self, folder: bytes, entry: os.DirEntry[bytes], names: list[bytes]) -> None:
        path = joined(folder, entry.name)
        if is_junk(entry.name):
            self.ignored["junk"] += 1
        elif is_image(entry.name):  # whatever it is: a folder of that name is an input that cannot be packed
            names.append(entry.name)
        elif entry.is_symlink() and self.tree.is_folder(path):
            self._follow(path)
        elif entry.is_dir(follow_symlinks=False):
            self.folders.append(Folder(path))
        else:
            names.append(entry.name)

    def _follow(self, link: bytes) -> None:
        with self._skipping(link):
            self.tree.require_inside(link)
            self.tree.require_no_loop(link)
            self.folders.append(Folder(link))

    def _look_for(self, folder: bytes, listed: Listed) -> None:
        names = listed.keys()
        with self._skipping(*(joined(folder, name) for name in names)):
            self.tree.require_inside(folder)
            there = frozenset(os.listdir(self.tree.path(folder)))  # noqa: PTH208 - bytes
            junk = frozenset(filter(is_junk, names))
            self.ignored["junk"] += len(junk)
            missing = [joined(folder, name) for name in names - junk - there]
            self._skip(BadInput("gone", "it is in the list, but not in the folder"), missing)
            stems = {stem(name) for name in filter(is_image, names - junk)}
            sidecars = {name for name in filter(is_sidecar, there) if stem(name) in stems}
            self._take(folder, [*(names - junk & there | sidecars)], listed)

    def _take(self, folder: bytes, names: list[bytes], listed: Listed) -> None:
        members = [name for name in names if is_image(name) or is_sidecar(name)]
        self.ignored.update(ignored_as(name) for name in names if not (is_image(name) or is_sidecar(name)))
        members.sort(key=stem)
        for _, same_stem in groupby(members, stem):
            self._take_samples(folder, sorted(same_stem), listed)

    def _take_samples(self, folder: bytes, names: list[bytes], listed: Listed) -> None:
        """Take the images that share a stem: more than one only where endings differ in case."""
        images = [name for name in names if is_image(name)]
        sidecars = [joined(folder, name) for name in names if not is_image(name)]
        if not images:
            self.ignored["orphan sidecar"] += len(sidecars)
        for image in images:
            source = joined(folder, image)
            with self._skipping(source):
                self._take_sample(source, sidecars, listed.get(image))

    def _take_sample(self, source: bytes, sidecars: list[bytes], listed: str | None) -> None:
        size, mtime_ns = self._size_and_time(source)
        parts = tuple(map(self._sidecar, sidecars))
        subject, impression = self._names(source) if self.layouts else ("", impression_in(source))
        self.found.append(Found(listed or subject, impression, source, size, mtime_ns, parts))

    def _names(self, source: bytes) -> tuple[str, str]:
        """The subject and the impression, as the path says."""
        layout, *names = explained_by(self.layouts, source) or (None, "", "")
        self.census.add(layout, source)
        if layout is None:
            raise BadInput("layout", "its path does not match the layout")
        return names[0], names[1]

    def _sidecar(self, path: bytes) -> Sidecar:
        ext = suffix(path).decode()
        try:
            return Sidecar(ext, *self._size_and_time(path))
        except BadInput as refusal:  # an image without its sidecar is not the sample that it was
            raise BadInput(refusal.reason, f"its sidecar .{ext}: {refusal.detail}") from refusal

    def _size_and_time(self, file: bytes) -> tuple[int, int]:
        size, mtime_ns = self.tree.size_and_time(file)
        check_file_size(file, size)
        return size, mtime_ns

    @contextmanager
    def _skipping(self, *inputs: bytes) -> Iterator[None]:
        """Count these inputs as skipped if they cannot be taken."""
        try:
            yield
        except BadInput as refusal:
            self._skip(refusal, inputs)
        except OSError as error:
            meaning = refused(error, self.tree.path(inputs[0]))
            if not isinstance(meaning, BadInput):
                raise meaning from error
            self._skip(meaning, inputs)

    def _skip(self, refusal: BadInput, inputs: Iterable[bytes]) -> None:
        for source in inputs:
            self.skipped.append(Skipped(source, refusal.reason, refusal.detail))
