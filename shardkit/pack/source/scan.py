"""Scan of a tree: the samples in each folder, and the threads that go through the folders.

A folder is listed completely before any of it is used, so that sidecars find their image without a system call; its
names must fit into memory, at 200 bytes each. A thread takes a share of the folders and returns columns; subfolders
wait on one stack. Only those names and the columns grow with the tree, and threads share nothing.
"""

import os
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import groupby, islice
from math import ceil
from pathlib import Path

import pyarrow as pa

from shardkit.errors import BadInput
from shardkit.pack.source.candidates import (
    Candidate,
    ChunkedTable,
    Sidecar,
    SkippedInput,
    candidate_chunk,
    candidate_table,
    skipped_chunk,
    skipped_table,
)
from shardkit.pack.source.file_list import iter_listed_folders
from shardkit.pack.source.file_types import (
    check_file_size,
    ignored_kind,
    impression_from_path,
    is_image,
    is_junk,
    is_sidecar,
    stem,
    suffix,
)
from shardkit.pack.source.layout import KNOWN_LAYOUTS, Layout, LayoutCensus, detect_layout, match_first, require_layout
from shardkit.pack.source.lists import ListFile
from shardkit.pack.source.tree import ListedFiles, ScanTask, SourceTree, explain_source_error, join_path


@dataclass(frozen=True)
class FolderScan:
    """What some folders hold. It grows while they are looked into."""

    tree: SourceTree
    layouts: tuple[Layout, ...]
    """Empty where a list says whose each image is, and its file name which."""
    found: ChunkedTable[Candidate] = field(default_factory=lambda: ChunkedTable(candidate_chunk))
    skipped: ChunkedTable[SkippedInput] = field(default_factory=lambda: ChunkedTable(skipped_chunk))
    ignored: Counter[str] = field(default_factory=Counter)
    census: LayoutCensus = field(default_factory=LayoutCensus)
    folders: list[ScanTask] = field(default_factory=list)
    """Those below, still to be looked into."""

    def scan_folders(self, folders: Iterable[ScanTask]) -> "FolderScan":
        for path, names in folders:
            if names is None:
                self._scan_folder(path)
            else:
                self._scan_listed(path, names)
        return self

    def _scan_folder(self, folder: bytes) -> None:
        names = list[bytes]()
        with self._skipping(folder), os.scandir(self.tree.path(folder)) as entries:
            for entry in entries:
                self._classify(folder, entry, names)
            self._take(folder, names, {})

    def _classify(self, folder: bytes, entry: os.DirEntry[bytes], names: list[bytes]) -> None:
        path = join_path(folder, entry.name)
        if is_junk(entry.name):
            self.ignored["junk"] += 1
        elif is_image(entry.name):  # whatever it is: a folder of that name is an input that cannot be packed
            names.append(entry.name)
        elif entry.is_symlink() and self.tree.is_folder(path):
            self._follow(path)
        elif entry.is_dir(follow_symlinks=False):
            self.folders.append(ScanTask(path))
        else:
            names.append(entry.name)

    def _follow(self, link: bytes) -> None:
        with self._skipping(link):
            self.tree.require_inside(link)
            self.tree.require_no_loop(link)
            self.folders.append(ScanTask(link))

    def _scan_listed(self, folder: bytes, listed: ListedFiles) -> None:
        names = listed.keys()
        with self._skipping(*(join_path(folder, name) for name in names)):
            self.tree.require_inside(folder)
            there = frozenset(os.listdir(self.tree.path(folder)))  # noqa: PTH208 - bytes
            junk = frozenset(filter(is_junk, names))
            self.ignored["junk"] += len(junk)
            missing = [join_path(folder, name) for name in names - junk - there]
            self._skip(BadInput("gone", "it is in the list, but not in the folder"), missing)
            stems = {stem(name) for name in filter(is_image, names - junk)}
            sidecars = {name for name in filter(is_sidecar, there) if stem(name) in stems}
            self._take(folder, [*(names - junk & there | sidecars)], listed)

    def _take(self, folder: bytes, names: list[bytes], listed: ListedFiles) -> None:
        members = [name for name in names if is_image(name) or is_sidecar(name)]
        self.ignored.update(ignored_kind(name) for name in names if not (is_image(name) or is_sidecar(name)))
        members.sort(key=stem)
        for _, same_stem in groupby(members, stem):
            self._take_samples(folder, sorted(same_stem), listed)

    def _take_samples(self, folder: bytes, names: list[bytes], listed: ListedFiles) -> None:
        """Take the images that share a stem: more than one only where endings differ in case."""
        images = [name for name in names if is_image(name)]
        sidecars = [join_path(folder, name) for name in names if not is_image(name)]
        if not images:
            self.ignored["orphan sidecar"] += len(sidecars)
        for image in images:
            source = join_path(folder, image)
            with self._skipping(source):
                self._take_sample(source, sidecars, listed.get(image))

    def _take_sample(self, source: bytes, sidecars: list[bytes], listed: str | None) -> None:
        size, mtime_ns = self._size_and_time(source)
        parts = tuple(map(self._sidecar, sidecars))
        subject, impression = self._names(source) if self.layouts else ("", impression_from_path(source))
        self.found.append(Candidate(listed or subject, impression, source, size, mtime_ns, parts))

    def _names(self, source: bytes) -> tuple[str, str]:
        """The subject and the impression, as the path says."""
        layout, *names = match_first(self.layouts, source) or (None, "", "")
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
            meaning = explain_source_error(error, self.tree.path(inputs[0]))
            if not isinstance(meaning, BadInput):
                raise meaning from error
            self._skip(meaning, inputs)

    def _skip(self, refusal: BadInput, inputs: Iterable[bytes]) -> None:
        for source in inputs:
            self.skipped.append(SkippedInput(source, refusal.reason, refusal.detail))


_SHARE = 256
"""Folders that a thread looks into at a time: enough rows for a chunk."""


@dataclass(frozen=True)
class ScanResult:
    found: pa.Table
    skipped: pa.Table
    ignored: Counter[str]
    layout: Layout | None
    """The one asked for, or the one found out; None when there is no image to find it from."""
    warnings: tuple[str, ...] = ()
    """What the user should know of, though it can be meant."""


def scan(root: Path, layout: Layout | None, threads: int, watch: Callable[[int], None]) -> ScanResult:
    """Find the samples of a tree. `watch` is told how many more were found, in the calling thread."""
    return _scan(SourceTree.at(root), iter([ScanTask(b"")]), layout, threads, watch)


def scan_images(root: Path, threads: int) -> pa.Table:
    """Find every image of a tree, whatever its path says; its subject is not known then."""
    return _scan(SourceTree.at(root), iter([ScanTask(b"")]), None, threads, lambda _count: None, known=()).found


def scan_listed_files(
    root: Path, list_file: ListFile, layout: Layout | None, threads: int, watch: Callable[[int], None]
) -> ScanResult:
    """Find the samples of a tree whose images a list names; their sidecars need not be in it."""
    tree = SourceTree.at(root)
    known = () if list_file.is_json else KNOWN_LAYOUTS  # which says whose each image is, so its path need not
    return _scan(tree, iter_listed_folders(tree, list_file), layout, threads, watch, known=known)


def _scan(
    tree: SourceTree,
    folders: Iterator[ScanTask],
    layout: Layout | None,
    threads: int,
    watch: Callable[[int], None],
    *,
    known: tuple[Layout, ...] = KNOWN_LAYOUTS,
) -> ScanResult:
    found, skipped, ignored, census = list[pa.RecordBatch](), list[pa.RecordBatch](), Counter[str](), LayoutCensus()
    layouts = (layout,) if layout else known
    for seen in _walked(lambda share: FolderScan(tree, layouts).scan_folders(share), folders, threads):
        new = seen.found.chunks()
        watch(sum(map(len, new)))
        found += new
        skipped += seen.skipped.chunks()
        ignored.update(seen.ignored)
        census.merge(seen.census)
    chosen = require_layout(layout, census, tree.folder) if layout else detect_layout(census, tree.folder)
    return ScanResult(candidate_table(found), skipped_table(skipped), +ignored, chosen)


def _walked(
    look: Callable[[list[ScanTask]], FolderScan], folders: Iterator[ScanTask], threads: int
) -> Iterator[FolderScan]:
    """What is seen in these folders and all below them, in any order."""
    waiting = list[ScanTask]()
    running = set[Future[FolderScan]]()
    with ThreadPoolExecutor(threads) as pool:
        try:
            while True:
                waiting.extend(islice(folders, max(0, _SHARE * threads - len(waiting))))
                while waiting and len(running) < 2 * threads:
                    running.add(pool.submit(look, _take_share(waiting, threads)))
                if not running:
                    return
                done, running = wait(running, return_when=FIRST_COMPLETED)
                for each in done:
                    seen = each.result()
                    waiting.extend(seen.folders)
                    yield seen
        finally:
            pool.shutdown(cancel_futures=True)


def _take_share(waiting: list[ScanTask], threads: int) -> list[ScanTask]:
    """Take the folders found last, so that few wait; and leave some for the other threads."""
    start = len(waiting) - min(_SHARE, ceil(len(waiting) / threads))
    share = waiting[start:]
    del waiting[start:]
    return share
