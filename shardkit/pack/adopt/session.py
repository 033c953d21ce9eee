"""Life cycle of an adoption: the names of its tars, the claim on the folder, indexing, commit.

Only the dataset's own files are written, next to the tars. Until the manifest exists, nothing counts, and the same
command resumes where it stopped.
"""

import os
import re
import stat
from collections.abc import Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import partial
from itertools import product
from math import prod
from pathlib import Path
from shlex import quote

from shardkit import parallel
from shardkit.errors import Mismatch, UsageError
from shardkit.format.generation import shards_name, skipped_name, subjects_name, sums_name
from shardkit.format.keys import FILE_NAME, check_file_name
from shardkit.format.manifest import publish_manifest, read_manifest
from shardkit.pack.adopt.identity import KeyTemplate
from shardkit.pack.adopt.merge import merge_tars
from shardkit.pack.adopt.receipts import FIRST_GENERATION, TAR_SUFFIX, AdoptOptions, TarReceipt
from shardkit.pack.adopt.tar_indexer import index_tar
from shardkit.pack.workspace import ADOPTED, has_plan, remove_workspace
from shardkit.parallel import Progress
from shardkit.reader.dataset import open_dataset
from shardkit.schema import MANIFEST, Manifest
from shardkit.storage.errors import os_errors
from shardkit.storage.folder import DatasetFolder
from shardkit.storage.lock import lock_folder

_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:")

_RANGE = re.compile(r"\{(\d{1,9})\.\.(\d{1,9})\}")

_PATTERN = set("*?[")

_MOST = 1_000_000


def resolve_tars(folder: Path, tars: Iterable[str]) -> tuple[str, ...]:
    """The names of the tars, each of which must lie in the folder: adopting copies nothing."""
    home = folder.resolve()
    names: dict[str, None] = {}
    for path in (path for tar in tars for each in expand_braces(tar) for path in _matches(each)):
        _check_tar_file(path)
        if path.parent.resolve() != home:
            raise UsageError(
                f"{path}: lies in {path.parent}, not in {folder}. Tars are adopted where they are: name their own "
                f"folder as DST, or put them into {folder}: `ln` does so without copying."
            )
        names[path.name] = None
    return tuple(sorted(names))


def expand_braces(tar: str) -> Iterator[str]:
    """`train-{000000..000009}.tar` as ten names, with as many digits."""
    if _URL.match(tar):
        raise UsageError(
            f"{tar!a}: a URL is no file, and nothing is fetched or run to get one. Download the tars first."
        )
    start, *rest = _RANGE.split(tar)
    ranges = [_numbers(tar, first, last) for first, last in zip(rest[::3], rest[1::3], strict=True)]
    count = prod(len(each) for each in ranges)
    if count > _MOST:
        raise UsageError(f"{tar!a}: expected at most {_MOST:,} tars, got {count:,}. Name fewer tars at a time.")
    for numbers in product(*ranges):
        filled = (
            f"{number:0{len(first)}}{text}" for number, first, text in zip(numbers, rest[::3], rest[2::3], strict=True)
        )
        yield start + "".join(filled)


def _numbers(tar: str, first: str, last: str) -> range:
    numbers = range(int(first), int(last) + 1)
    if not numbers:
        raise UsageError(f"{tar!a}: the range {first}..{last} holds no number. Write {{{last}..{first}}}.")
    return numbers


def _matches(tar: str) -> list[Path]:
    """The files that a pattern such as `*.tar` stands for, hidden ones aside; a name stands for itself."""
    path = Path(tar)
    if not _PATTERN & {*path.name}:
        return [path]
    with os_errors(path.parent):
        visible = (each for each in path.parent.iterdir() if not each.name.startswith("."))
        found = [each for each in visible if fnmatchcase(each.name, path.name)]
    if not found:
        raise UsageError(
            f"{tar!a}: expected files whose names match this pattern, found none. See which files are there: "
            f"ls {quote(str(path.parent))}"
        )
    return found


def _check_tar_file(path: Path) -> None:
    if not FILE_NAME.fullmatch(path.name) or not path.name.endswith(TAR_SUFFIX):
        raise UsageError(
            f"{str(path)!a}: a tar in a dataset has a name of letters, digits, '.', '_' and '-' that ends in "
            f"{TAR_SUFFIX}. Rename it."
        )
    with os_errors(path):
        mode = path.lstat().st_mode
    if stat.S_ISLNK(mode):
        raise UsageError(f"{path}: is a symbolic link, which a dataset may not hold. Make a hard link instead: `ln`.")
    if not stat.S_ISREG(mode):
        raise UsageError(f"{path}: is no file. Name the tars themselves.")


_OURS = (
    "index",
    shards_name(FIRST_GENERATION),
    subjects_name(FIRST_GENERATION),
    skipped_name(FIRST_GENERATION),
    sums_name("B3SUMS", FIRST_GENERATION),
)


@dataclass(frozen=True)
class Adoption:
    """What is to be adopted: the names of tars that lie in the folder."""

    folder: Path
    tars: tuple[str, ...]
    options: AdoptOptions


@dataclass(frozen=True)
class AdoptResult:
    manifest: Manifest
    strangers: tuple[str, ...]
    """Files in the folder that are no part of the dataset, by name."""


def plan_adoption(tars: Iterable[str], folder: Path, options: AdoptOptions) -> Adoption:
    if not folder.is_dir():
        raise UsageError(f"{folder}: there is no such folder. Name the one that holds the tars.")
    if options.key:
        KeyTemplate.parse(options.key)
    names = resolve_tars(folder, tars)
    check_file_name(options.split, Path("--split"))
    return Adoption(folder, names, options)


def adopt_tars(wanted: Adoption, workers: int, watch: Progress, *, replan: bool = False) -> AdoptResult:
    folder = wanted.folder
    with lock_folder(folder):
        if replan:
            _discard_index(folder)
        manifest = _adopted_already(wanted)
        if manifest is None:
            _claim_names(folder)
            with closing(parallel.map_unordered(partial(_read_one, wanted, watch), wanted.tars, workers)) as read:
                parts = list(read)
            manifest = merge_tars(folder, parts, wanted.options)
            publish_manifest(DatasetFolder(folder), manifest)
        remove_workspace(folder)
    return AdoptResult(manifest, _extra_files(wanted, manifest))


def _read_one(wanted: Adoption, watch: Progress, name: str, stop: parallel.CancelToken) -> TarReceipt:
    def told(images: int, size: int) -> None:
        stop.raise_if_cancelled()
        watch(images, size)

    return index_tar(wanted.folder, name, wanted.options, told)


def _adopted_already(wanted: Adoption) -> Manifest | None:
    """The dataset, if it is whole and of these tars: the same command again has nothing left to do."""
    folder = wanted.folder
    if not (folder / MANIFEST).exists():
        return None
    dataset = open_dataset(folder)
    if dataset.manifest.options != wanted.options.record():
        raise Mismatch(
            f"{folder}: is a dataset already, made with other options. Run the command as it was run first, or add "
            "--replan to index adopted tars anew."
        )
    there = {shard.name: shard.size for shard in dataset.shards}
    if there != {name: (folder / name).stat().st_size for name in wanted.tars}:
        raise Mismatch(f"{folder}: is a dataset already, of other tars. Add --replan to index the tars anew.")
    return dataset.manifest


def _discard_index(folder: Path) -> None:
    """Throw an index away, never a pack. The manifest goes first: what is left is known to be ours to replace."""
    if not (folder / MANIFEST).exists():
        return
    manifest = read_manifest(folder)
    if not manifest.options.get("adopted") or len(manifest.generations) > 1:
        raise UsageError(f"{folder}: holds what was packed, not adopted, and --replan does not touch that.")
    inside = DatasetFolder(folder)
    inside.make_folder(ADOPTED)
    inside.remove_file(MANIFEST)
    inside.flush()


def _claim_names(folder: Path) -> None:
    """Claim the names that will be written, unless they are somebody else's."""
    inside = DatasetFolder(folder)
    if has_plan(folder):
        raise Mismatch(f"{folder}: a pack was begun here and has not ended. Run that `shardkit pack` command again.")
    if not inside.exists(ADOPTED):
        taken = next((name for name in _OURS if inside.exists(name)), None)
        if taken:
            raise UsageError(f"{folder}: holds {taken}, which would be overwritten. Move it away, then run again.")
    inside.remove_folder("index")
    inside.make_folder(ADOPTED)


def _extra_files(wanted: Adoption, manifest: Manifest) -> tuple[str, ...]:
    known = {MANIFEST, *wanted.tars, *(name.partition("/")[0] for name in manifest.files)}
    return tuple(sorted({each.name for each in os.scandir(wanted.folder)} - known))
