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
from shardkit.image.formats import EXTENSIONS
from shardkit.pack.unpack.paths import check_samples, sidecar_path
from shardkit.pack.unpack.tree_writer import Parts, batch, parts_of, staged
from shardkit.parallel import Stop, each
from shardkit.reader.dataset import Chosen, Dataset
from shardkit.reader.shard import Record, opened_shard
from shardkit.schema import MANIFEST, WORKPLACE, Manifest, Shard
from shardkit.storage.atomic import make_folder

Watch = Callable[[int, int], None]
"""Told how many samples, and how many bytes, were dealt with just now."""

_PIXELS = {ending for codec, ending in EXTENSIONS.items() if codec != "png"}


@dataclass(frozen=True)
class Unpacked:
    """What became of a shard."""

    written: int
    there: int
    """Files that were there before, with the right bytes."""
    findings: tuple[str, ...]
    """What is damaged, and so was not written."""


def gives_bytes_back(manifest: Manifest) -> bool:
    """Whether images come back byte for byte, and not as the pixels that were kept of them."""
    adopted = manifest.codec not in EXTENSIONS
    return adopted or (manifest.codec == "png" and not manifest.preparation)


def unpack(dataset: Dataset, out: Path, chosen: Chosen, workers: int, watch: Watch) -> Iterator[Unpacked]:
    """Unpack shard by shard, in any order; what is damaged is left out and reported."""
    refuse_datasets(dataset, out)
    check_samples(dataset, chosen)
    make_folder(out)
    unpacking = _Unpacking(dataset, out, chosen.subject, watch)
    with staged(out), closing(each(unpacking, chosen.shards, workers)) as unpacked:
        yield from unpacked


def refuse_datasets(dataset: Dataset, out: Path) -> None:
    inside = out.resolve().is_relative_to(dataset.folder.resolve())
    if inside or any(os.path.lexists(out / name) for name in (MANIFEST, WORKPLACE)):
        raise UsageError(f"{out}: belongs to a dataset, whose files are a closed set. Name another folder.")


@dataclass(frozen=True)
class _Unpacking:
    dataset: Dataset
    out: Path
    subject: str | None
    watch: Watch

    def __call__(self, shard: Shard, stop: Stop) -> Unpacked:
        findings: list[str] = []
        waiting = Counter[bool]()
        with _reported(findings):
            samples = self.dataset[shard.split].samples(shard, self.subject)
            with opened_shard(self.dataset.path(shard), shard) as tar, batch(self.out, shard.name) as files:
                for sample in samples:
                    stop.check()
                    with _reported(findings):
                        waiting.update([files.add(path, [own]) for path, own in restored(tar.record(sample), tar.path)])
                    self.watch(1, sum(member.size for member in sample.members))
                files.publish()
        return Unpacked(waiting[True], waiting[False], tuple(findings))


@contextmanager
def _reported(findings: list[str]) -> Iterator[None]:
    try:
        yield
    except Damaged as damaged:
        findings.append(str(damaged))


def restored(record: Record, tar: Path) -> list[tuple[Parts, bytes]]:
    """The files that a sample was made from: their paths, by parts, and their bytes."""
    sample = record.sample
    beside = [
        (sidecar_path(sample.source, sample.image.ext, ending), content) for ending, content in record.sidecars.items()
    ]
    try:
        files = [(sample.source, _image(record)), *beside]
        return [(parts_of(path), content) for path, content in files]
    except (BadInput, Damaged) as error:
        raise Damaged(f"{tar}: {sample.key!r} at byte {sample.image.offset:,}: {error}") from error


def _image(record: Record) -> bytes:
    if _under_its_own_ending(record.sample.source, record.sample.image.ext):
        return record.image
    return encode(decode(record.sample.image.ext, record.image), "png")


def _under_its_own_ending(source: bytes, ext: str) -> bool:
    """Whether the shard holds the file that was found, and not its pixels."""
    return ext not in _PIXELS or source.lower().endswith(os.fsencode(f".{ext}"))
