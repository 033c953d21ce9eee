"""What a pass needs besides the order: files, slots and hooks, and how many threads and bytes it may use."""

from collections.abc import Callable

from shardkit.stream.assembly import Assembly, Transform
from shardkit.stream.files import OpenShards
from shardkit.stream.memory import memory_share
from shardkit.stream.minutiae import MinutiaeReader, Resized
from shardkit.stream.opened import Opened
from shardkit.stream.position import Worker
from shardkit.stream.quarantine import Quarantine
from shardkit.stream.ranks import local_ranks, threads_for
from shardkit.stream.recorded import array_shape, resized_by_pack
from shardkit.stream.ring import Ring
from shardkit.stream.run import Pace
from shardkit.stream.saving import StateAt
from shardkit.stream.serving import Serving
from shardkit.stream.settings import Pixels, Speed
from shardkit.stream.state import State
from shardkit.stream.transform import chance

_NUMBERS = (1 << 63) - 1
_WORTH_A_THREAD = 16 << 10
"""Bytes. Two threads hand the interpreter to each other in more time than smaller samples take to be read."""


def assembly_for(
    opened: Opened,
    pixels: Pixels,
    *,
    quarantine: Quarantine,
    ring: Ring,
    state: Callable[[int], State | StateAt],
    epoch: int,
) -> Assembly:
    dataset, lookup = opened.dataset, opened.lookup
    shards = OpenShards(dataset.folder, lookup.shards)
    packed, served = resized_by_pack(dataset), Resized(pixels.size, pixels.fit)
    return Assembly(
        lookup=lookup,
        shards=shards,
        serving=serving_for(opened, pixels),
        ring=ring,
        maps=opened.maps,
        quarantine=quarantine,
        state=state,
        planned=lambda row: opened.epoch(epoch).row(row),
        substitutes=opened.substitutes,
        on_bad=pixels.on_bad,
        as_list=pixels.as_list,
        check=pixels.check,
        mated=opened.mated if opened.source.ordering.sampler == "pairs" else None,
        minutiae=MinutiaeReader(shards, lookup.kinds, packed, served) if pixels.minutiae else None,
        transform=_with_chance(pixels, opened.source.ordering.seed, epoch),
    )


def serving_for(opened: Opened, pixels: Pixels) -> Serving:
    return Serving(pixels.color, pixels.size, pixels.fit, array_shape(opened.dataset))


def _with_chance(pixels: Pixels, seed: int, epoch: int) -> Transform | None:
    if pixels.transform is None:
        return None
    transform = pixels.transform
    return lambda image, number: transform(image, chance(seed & _NUMBERS, epoch, number & _NUMBERS))


def pace_for(opened: Opened, columns: range, speed: Speed, worker: Worker) -> Pace:
    tiny = bytes_a_sample(opened) < _WORTH_A_THREAD
    threads = speed.threads or (1 if tiny else threads_for(worker.workers))
    # The workers of a rank go through the same blocks, and share them in the page cache.
    return Pace(threads, speed.ahead, by_block=window_bytes(opened, len(columns)) <= memory_share(local_ranks()))


def window_bytes(opened: Opened, columns: int) -> int:
    """What the blocks of a rank's columns hold on disk: from so much its batches are mixed."""
    rows = min(opened.source.ordering.block_rows, max(1, opened.order.steps))
    return int(columns * rows * bytes_a_sample(opened))


def bytes_a_sample(opened: Opened) -> int:
    """In the shards, with headers and sidecars."""
    totals = opened.dataset[opened.source.split].totals
    return totals.bytes // max(1, totals.samples)
