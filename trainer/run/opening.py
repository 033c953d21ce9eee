"""What a run says of itself before its first step."""

from typing import Any

from torch import nn

import shardkit
from trainer.augment.sizes import LEAST_RIDGE_PERIOD, ridge_period_at_input
from trainer.heads.blocks import BLOCKS, blocks_in
from trainer.run.facts import device_name
from trainer.run.parts import Parts
from trainer.run.surroundings import Surroundings
from trainer.watch.banner import banner


def told_at_start(parts: Parts, around: Surroundings, *, resumed: bool) -> None:
    assert around.watch
    facts = facts_of(parts, around)
    around.watch.say(banner(parts.config, facts))
    period = ridge_period_at_input(parts.config.augment)
    if 0 < period < LEAST_RIDGE_PERIOD:
        around.say(
            f"Ridges are {period:.1f} pixels apart at the network's input, and below {LEAST_RIDGE_PERIOD:g} they run "
            "into each other: lower augment.shrink, or pack larger images. If these are no prints, set "
            "augment.ridge_period to 0."
        )
    if parts.config.data.size and period:
        _tell_of_size(parts, around)
    around.watch.event("resumed" if resumed else "started", step=parts.state.progress.step, **parts.record)


def _parameters(network: nn.Module, ranks: int) -> int:
    """Of classes that are spread over ranks, too: this one holds its share."""
    split = blocks_in(network)
    shared = sum(each.numel() for name, each in network.named_parameters() if name not in split)
    heads = len(split) * ranks // BLOCKS
    return shared + heads * max((each.classes * each.weight.shape[1] for each in split.values()), default=0)


def _tell_of_size(parts: Parts, around: Surroundings) -> None:
    """A period is measured before pictures are resized, and counts behind that."""
    data, own = parts.config.data, parts.config.augment
    dataset = shardkit.open(data.path, parts.dataset.generation)
    first = dataset.samples(dataset[data.train].shards[0])[0]
    if max(first.height, first.width) != data.size:
        around.say(
            f"data.size brings images of {first.height} x {first.width} to {data.size}, and augment.ridge_period = "
            f"{own.ridge_period:g} counts behind that: of prints at 500 ppi it is "
            f"{9 * data.size / max(first.height, first.width):.1f}."
        )


def facts_of(parts: Parts, around: Surroundings) -> dict[str, Any]:
    """What the banner and the report tell beside the config."""
    world, config = around.world, parts.config
    return {
        "world_size": world.size,
        "device": device_name(world.device),
        "accumulation": config.data.global_batch // config.data.micro_batch // world.size,
        "precision": config.amp.dtype,
        "lr": parts.schedule.peak,
        "subjects": parts.dataset.subjects,
        "classes": parts.dataset.classes,
        "samples": parts.dataset.samples,
        "steps": parts.schedule.steps,
        "epoch_steps": parts.schedule.epoch,
        "step": parts.state.progress.step,
        "parameters": _parameters(parts.state.network, world.size),
        "threads": config.system.threads,
        "folder": config.run.folder,
        "dataset": parts.dataset.digest,
        "generation": parts.dataset.generation,
        "versions": parts.record["versions"],
    }
