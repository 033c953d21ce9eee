"""What a generation comes to, from its tables alone: so pack, repair and verify reckon it in one way."""

from collections import Counter
from collections.abc import Iterable, Mapping

from blake3 import blake3

from shardkit.dataset import Shard, Subject, Totals
from shardkit.format.digest import dataset_digest


def totals(
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
