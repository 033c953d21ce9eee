"""A part of a dataset that a user asks for: a split, a subject, or all of it."""

import os
from dataclasses import dataclass

from shardkit.dataset import Shard
from shardkit.format.key import encoded
from shardkit.format.not_there import NotThere, meant
from shardkit.format.opened import Dataset


@dataclass(frozen=True)
class Chosen:
    shards: tuple[Shard, ...]
    """Those to look into."""
    subject: str | None
    """As it stands in a key."""
    samples: int


def chosen(dataset: Dataset, split: str | None, subject: str | None) -> Chosen:
    """What a split's and a subject's name stand for; the subject's is the one that it had before it was packed."""
    views = [dataset[name] for name in ([split] if split else dataset)]
    if subject is None:
        return Chosen(tuple(shard for view in views for shard in view.shards), None, sum(map(len, views)))
    name = _known(dataset, subject)
    held = {each.split: each.impressions for each in dataset.subjects if each.subject == name}
    views = [view for view in views if view.name in held]
    if not views:
        raise NotThere(f"{dataset.folder}: {subject!r} is not in {split}, but in {', '.join(held)}.")
    shards = tuple(shard for view in views for shard in view.shards_of(name))
    return Chosen(shards, name, sum(held[view.name] for view in views))


def _known(dataset: Dataset, subject: str) -> str:
    """A subject as keys write it, whether it was given like that or as it was called before."""
    known = {each.subject for each in dataset.subjects}
    written = encoded(os.fsencode(subject))
    for name in (written, subject):
        if name in known:
            return name
    raise NotThere(f"{dataset.folder}: there is no subject {subject!r}.{meant(written, known)}")
