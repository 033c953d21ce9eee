"""Finding what there is to pack, with threads over folders.

A thread looks into a share of the folders and hands back columns; the folders that it finds below wait on one stack. So
only those names and the columns grow with the tree, and threads share nothing.
"""

from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from itertools import islice
from math import ceil
from pathlib import Path

import pyarrow as pa

from shardkit.pack.detection import KNOWN, Census, asked_for, detected
from shardkit.pack.filelist import folders_listed
from shardkit.pack.folder import Folder, Seen
from shardkit.pack.found import found_table, skipped_table
from shardkit.pack.layout import Layout
from shardkit.pack.lists import ListFile
from shardkit.pack.tree import SourceTree

_SHARE = 256
"""Folders that a thread looks into at a time: enough rows for a chunk."""


@dataclass(frozen=True)
class Scan:
    found: pa.Table
    skipped: pa.Table
    ignored: Counter[str]
    layout: Layout | None
    """The one asked for, or the one found out; None when there is no image to find it from."""
    warnings: tuple[str, ...] = ()
    """What the user should know of, though it can be meant."""


def scan(root: Path, layout: Layout | None, threads: int, watch: Callable[[int], None]) -> Scan:
    """Find the samples of a tree. `watch` is told how many more were found, in the calling thread."""
    return _scan(SourceTree.at(root), iter([Folder(b"")]), layout, threads, watch)


def scan_images(root: Path, threads: int) -> pa.Table:
    """Find every image of a tree, whatever its path says; its subject is not known then."""
    return _scan(SourceTree.at(root), iter([Folder(b"")]), None, threads, lambda _count: None, known=()).found


def scan_list(
    root: Path, list_file: ListFile, layout: Layout | None, threads: int, watch: Callable[[int], None]
) -> Scan:
    """Find the samples of a tree whose images a list names; their sidecars need not be in it."""
    tree = SourceTree.at(root)
    known = () if list_file.is_json else KNOWN  # which says whose each image is, so its path need not
    return _scan(tree, folders_listed(tree, list_file), layout, threads, watch, known=known)


def _scan(
    tree: SourceTree,
    folders: Iterator[Folder],
    layout: Layout | None,
    threads: int,
    watch: Callable[[int], None],
    *,
    known: tuple[Layout, ...] = KNOWN,
) -> Scan:
    found, skipped, ignored, census = list[pa.RecordBatch](), list[pa.RecordBatch](), Counter[str](), Census()
    layouts = (layout,) if layout else known
    for seen in _walked(lambda share: Seen(tree, layouts).look(share), folders, threads):
        new = seen.found.chunks()
        watch(sum(map(len, new)))
        found += new
        skipped += seen.skipped.chunks()
        ignored.update(seen.ignored)
        census.merge(seen.census)
    chosen = asked_for(layout, census, tree.folder) if layout else detected(census, tree.folder)
    return Scan(found_table(found), skipped_table(skipped), +ignored, chosen)


def _walked(look: Callable[[list[Folder]], Seen], folders: Iterator[Folder], threads: int) -> Iterator[Seen]:
    """What is seen in these folders and all below them, in any order."""
    waiting = list[Folder]()
    running = set[Future[Seen]]()
    with ThreadPoolExecutor(threads) as pool:
        try:
            while True:
                waiting.extend(islice(folders, max(0, _SHARE * threads - len(waiting))))
                while waiting and len(running) < 2 * threads:
                    running.add(pool.submit(look, _share(waiting, threads)))
                if not running:
                    return
                done, running = wait(running, return_when=FIRST_COMPLETED)
                for each in done:
                    seen = each.result()
                    waiting.extend(seen.folders)
                    yield seen
        finally:
            pool.shutdown(cancel_futures=True)


def _share(waiting: list[Folder], threads: int) -> list[Folder]:
    """Take the folders found last, so that few wait; and leave some for the other threads."""
    start = len(waiting) - min(_SHARE, ceil(len(waiting) / threads))
    share = waiting[start:]
    del waiting[start:]
    return share
