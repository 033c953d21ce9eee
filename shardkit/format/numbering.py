"""The names of a generation's files. The first generation has the plain ones; a later one adds its number."""

from collections.abc import Iterable


def skipped_name(generation: int) -> str:
    return _numbered("skipped", generation, ".jsonl")


def shards_name(generation: int) -> str:
    return _numbered("shards", generation, ".parquet")


def subjects_name(generation: int) -> str:
    return f"subjects-{generation:05}.parquet"


def sums_name(kind: str, generation: int) -> str:
    return _numbered(kind, generation, "")


def files_of(generation: int) -> tuple[str, ...]:
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
