"""Unpacking of a tree, as far as the codec retained it.

With `png` and no preparation every file gets its bytes back; otherwise an image becomes a PNG of the shard's pixels.
A file that exists with the right bytes is skipped, so a stopped unpack resumes with the same command.
"""

import os
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from shardkit.errors import BadInput, Damaged, UsageError
from shardkit.image.codec import decode, encode
from shardkit.image.formats import CODEC_EXTENSION
from shardkit.pack.unpack.paths import check_samples, original_sidecar_path
from shardkit.pack.unpack.tree_writer import PathParts, split_path, staged_batch, staging_area
from shardkit.parallel import CancelToken, map_unordered
from shardkit.reader.dataset import Dataset, Selection
from shardkit.reader.shard import Record, open_shard
from shardkit.schema import MANIFEST, WORKSPACE, Manifest, Shard
from shardkit.storage.atomic import make_folder

Progress = Callable[[int, int], None]
"""Told how many samples, and how many bytes, were dealt with just now."""

_PIXELS = {ending for codec, ending in CODEC_EXTENSION.items() if codec != "png"}


@dataclass(frozen=True)
class UnpackResult:
    """What became of a shard."""

    written: int
    there: int
    """Files that were there before, with the right bytes."""
    findings: tuple[str, ...]
    """What is damaged, and so was not written."""


def is_lossless(manifest: Manifest) -> bool:
    """Whether images come back byte for byte, and not as the pixels that were kept of them."""
    adopted = manifest.codec not in CODEC_EXTENSION
    return adopted or (manifest.codec == "png" and not manifest.preparation)


def unpack(dataset: Dataset, out: Path, chosen: Selection, workers: int, watch: Progress) -> Iterator[UnpackResult]:
    """Unpack shard by shard, in any order; what is damaged is left out and reported."""
    check_output_folder(dataset, out)
    check_samples(dataset, chosen)
    make_folder(out)
    unpacking = _Unpacking(dataset, out, chosen.subject, watch)
    with staging_area(out), closing(map_unordered(unpacking, chosen.shards, workers)) as unpacked:
        yield from unpacked


def check_output_folder(dataset: Dataset, out: Path) -> None:
    inside = out.resolve().is_relative_to(dataset.folder.resolve())
    if inside or any(os.path.lexists(out / name) for name in (MANIFEST, WORKSPACE)):
        raise UsageError(f"{out}: belongs to a dataset, whose files are a closed set. Name another folder.")


@dataclass(frozen=True)
class _Unpacking:
    dataset: Dataset
    out: Path
    subject: str | None
    watch: Progress

    def __call__(self, shard: Shard, stop: CancelToken) -> UnpackResult:
        findings: list[str] = []
        waiting = Counter[bool]()
        with _reported(findings):
            samples = self.dataset[shard.split].samples(shard, self.subject)
            with open_shard(self.dataset.path(shard), shard) as tar, staged_batch(self.out, shard.name) as files:
                for sample in samples:
                    stop.raise_if_cancelled()
                    with _reported(findings):
                        waiting.update(
                            [files.add(path, [own]) for path, own in sample_files(tar.record(sample), tar.path)]
                        )
                    self.watch(1, sum(member.size for member in sample.members))
                files.publish()
        return UnpackResult(waiting[True], waiting[False], tuple(findings))


@contextmanager
def _reported(findings: list[str]) -> Iterator[None]:
    try:
        yield
    except Damaged as damaged:
        findings.append(str(damaged))


def sample_files(record: Record, tar: Path) -> list[tuple[PathParts, bytes]]:
    """The files that a sample was made from: their paths, by parts, and their bytes."""
    sample = record.sample
    beside = [
        (original_sidecar_path(sample.source, sample.image.ext, ending), content)
        for ending, content in record.sidecars.items()
    ]
    try:
        files = [(sample.source, _image(record)), *beside]
        return [(split_path(path), content) for path, content in files]
    except (BadInput, Damaged) as error:
        raise Damaged(f"{tar}: {sample.key!r} at byte {sample.image.offset:,}: {error}") from error


def _image(record: Record) -> bytes:
    if _under_its_own_ending(record.sample.source, record.sample.image.ext):
        return record.image
    return encode(decode(record.sample.image.ext, record.image), "png")


def _under_its_own_ending(source: bytes, ext: str) -> bool:
    """Whether the shard holds the file that was found, and not its pixels."""
    return ext not in _PIXELS or source.lower().endswith(os.fsencode(f".{ext}"))
