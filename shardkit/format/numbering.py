"""The names of a generation's files. The first generation has the plain ones; a later one adds its number."""


def skipped_name(generation: int) -> str:
    return _numbered("skipped", generation, ".jsonl")


def shards_name(generation: int) -> str:
    return _numbered("shards", generation, ".parquet")


def subjects_name(generation: int) -> str:
    return f"subjects-{generation:05}.parquet"


def sums_name(kind: str, generation: int) -> str:
    return _numbered(kind, generation, "")


def index_name(split: str, number: int) -> str:
    return f"index/{split}-{number:05}.parquet"


def _numbered(stem: str, generation: int, ending: str) -> str:
    return f"{stem}{ending}" if generation == 0 else f"{stem}-{generation:05}{ending}"
