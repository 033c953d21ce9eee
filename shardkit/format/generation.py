"""File names, totals and digests of a generation.

The first generation has the plain names; later ones add their number. Totals come from the tables only, so pack,
repair and verify compute them in the same way.
"""

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from blake3 import blake3

from shardkit.errors import UsageError
from shardkit.format.digests import dataset_digest
from shardkit.format.keys import FILE_NAME
from shardkit.schema import MAX_SHARDS, Generation, Shard, Subject, Totals

_LONGEST_SPLIT = 64
"""Letters of a split's name: with its number and ending, and while it is temporary, a file name has room for it."""

_RESERVED = ("b3sums", "manifest", "sha256sums", "shards", "skipped", "subjects")
"""How the dataset's own files begin. Some file systems take upper and lower case for one."""

_RESERVED_ALONE = "index"

_DATASET_FILE = re.compile(
    r"manifest\.json|(shards|subjects)(-\d{5,})?\.parquet|skipped(-\d{5,})?\.jsonl|(B3|SHA256)SUMS(-\d{5,})?"
    rf"|{FILE_NAME.pattern}-\d{{6,}}\.tar|index/{FILE_NAME.pattern}-\d{{5,}}\.parquet"
)


def check_split_names(names: Iterable[str], existing: Iterable[str] = ()) -> None:
    """Refuse splits whose files could not be told from others; those that a dataset has already are not asked again."""
    existing = frozenset(existing)
    found = {name.lower(): name for name in existing}
    for name in sorted(frozenset(names) - existing):
        check_split_name(name)
        other = found.setdefault(name.lower(), name)
        if other != name:
            raise UsageError(
                f"split names {other!a} and {name!a}: differ only in upper and lower case, so that their files would "
                "replace each other on some file systems. Choose names that differ in more."
            )


def check_split_name(name: str) -> None:
    """Refuse a name that the files of a split cannot begin with."""
    if not FILE_NAME.fullmatch(name) or len(name) > _LONGEST_SPLIT:
        raise UsageError(
            f"split name {name[: _LONGEST_SPLIT + 1]!a}: not valid, because shard files begin with it. Use at most "
            f"{_LONGEST_SPLIT} letters, digits, '.', '_' and '-', the first of them a letter or a digit."
        )
    folded = name.lower()
    if folded == _RESERVED_ALONE or folded.startswith(_RESERVED):
        raise UsageError(
            f"split name {name!a}: reserved, because files of the dataset itself are named like that ("
            f"{', '.join(f'{each}*' for each in _RESERVED)}, {_RESERVED_ALONE}). Choose another name, such as 'train'."
        )


def shard_name(split: str, number: int) -> str:
    """The file name of a shard; numbers count from 0 in each split."""
    if number >= MAX_SHARDS:
        raise UsageError(
            f"split {split!a}: would have more than {MAX_SHARDS:,} shards, which is the most. Pack into larger "
            "shards, with a larger --shard-size."
        )
    return f"{split}-{number:06}.tar"


def is_dataset_file(name: str) -> bool:
    """Return whether a dataset that we wrote can have a file of this name, with its folder."""
    return _DATASET_FILE.fullmatch(name) is not None


def skipped_name(generation: int) -> str:
    return _numbered("skipped", generation, ".jsonl")


def shards_name(generation: int) -> str:
    return _numbered("shards", generation, ".parquet")


def subjects_name(generation: int) -> str:
    return f"subjects-{generation:05}.parquet"


def sums_name(kind: str, generation: int) -> str:
    return _numbered(kind, generation, "")


def generation_files(generation: int) -> tuple[str, ...]:
    """What a generation adds beside tars and index."""
    sums = (sums_name(kind, generation) for kind in ("B3SUMS", "SHA256SUMS"))
    return (shards_name(generation), subjects_name(generation), skipped_name(generation), *sums)


def index_name(split: str, number: int) -> str:
    return f"index/{split}-{number:05}.parquet"


def next_index(names: Iterable[str], split: str) -> int:
    """The first number that is free: a removal leaves gaps before it, which must not be filled."""
    numbers = (name.rpartition("-") for name in names)
    used = [int(number.removesuffix(".parquet")) for stem, _, number in numbers if stem == f"index/{split}"]
    return max(used, default=-1) + 1


def _numbered(stem: str, generation: int, ending: str) -> str:
    return f"{stem}{ending}" if generation == 0 else f"{stem}-{generation:05}{ending}"


def split_totals(
    shards: Iterable[Shard], subjects: Iterable[Subject], before: Mapping[str, Totals] | None = None
) -> Mapping[str, Totals]:
    """`before` is what the generation before had: a label that was given once is never given to another."""
    samples, sizes, counts = Counter[str](), Counter[str](), Counter[str]()
    for shard in shards:
        samples[shard.split] += shard.samples
        sizes[shard.split] += shard.size
        counts[shard.split] += 1
    held = Counter[str]()
    classes = {**dict.fromkeys(counts, 0), **{split: each.classes for split, each in (before or {}).items()}}
    for subject in subjects:
        held[subject.split] += 1
        classes[subject.split] = max(classes.get(subject.split, 0), subject.label + 1)
    return {
        split: Totals(samples[split], held[split], counts[split], sizes[split], classes[split])
        for split in sorted(counts)
    }


def generation_digest(shards: Iterable[Shard]) -> str:
    return dataset_digest((shard.name, shard.blake3, shard.rows) for shard in shards)


def class_map_digest(subjects: Iterable[Subject]) -> str:
    lines = sorted(f"{each.split}\x00{each.label}\x00{each.subject}\n" for each in subjects)
    return blake3("".join(lines).encode()).hexdigest()


def build_generation(
    number: int,
    by: str,
    versions: Mapping[str, str],
    shards: Sequence[Shard],
    subjects: Sequence[Subject],
    *,
    index: Iterable[str],
    packed: int,
    skipped: Mapping[str, int],
    before: Mapping[str, Totals] | None = None,
) -> Generation:
    """`shards` and `subjects` are all that the dataset has then; the rest tells of what was done just now."""
    return Generation(
        number=number,
        by=by,
        digest=generation_digest(shards),
        class_map=class_map_digest(subjects),
        versions=versions,
        splits=split_totals(shards, subjects, before),
        packed=packed,
        skipped=dict(sorted(skipped.items())),
        shards=shards_name(number),
        subjects=subjects_name(number),
        listed=skipped_name(number),
        index=tuple(dict.fromkeys(index)),
    )
