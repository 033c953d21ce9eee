"""Assembly of a run from its config and, on resume, its checkpoint: network, objective, optimizer, stream, schedule.

`parts_of` returns all of them; the other functions make one each. The first weights of the network are the same on
every rank and for any number of ranks.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from itertools import chain
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import nn

from trainer.augment.pipeline import Augmentation
from trainer.augment.random_draws import key_of
from trainer.checkpoint.state import State
from trainer.checkpoint.store import Found, load
from trainer.config.schema import Config, Loss, Model
from trainer.config.settings import identity_of, refuse_other
from trainer.data import Feed, Input, Row, input_of
from trainer.distributed.gradients import Averaged, Exact, Gradients, Norm
from trainer.distributed.row_stats import Drawn, Gathered, Tally
from trainer.distributed.world import World
from trainer.errors import UsageError
from trainer.heads.margin import CrossEntropy, head, margin_of
from trainer.heads.partial_fc import BLOCKS, AsTold, Sharded, blocks_in
from trainer.losses import Center, Pairs, Triplet
from trainer.models.layers import Shape, averaging, gathering
from trainer.models.registry import backbone
from trainer.network import Centers, Classes, MinutiaeMap, Network, Objective, Triplets, TwoOfOne, recompute
from trainer.optim import Ema, Scaler, optimizer
from trainer.run_record import (
    Dataset,
    Surroundings,
    dataset_of,
    device_name,
    record_of,
    refuse_missing_generation,
    refuse_other_dataset,
    refuse_without_minutiae,
    resolved,
    tell_what_differs,
)
from trainer.schedule import Schedule, peak_of
from trainer.train_step import FIRST_WEIGHTS, Step, seed_all


def objective_of(config: Config, backbone: nn.Module, classes: int, world: World) -> Objective:
    """A term for each weight that is not 0."""
    loss, parts = config.loss, lengths_of(backbone)
    _refuse_other_map(config, backbone)
    terms: dict[str, nn.Module] = {}
    if loss.classes:
        terms["classes"] = (
            _sharded(config, parts, classes, world) if config.head.sharded else _classes(config, parts, classes)
        )
    if loss.center:
        terms["center"] = Centers([Center(classes, part, loss.center_rate) for part in parts], loss.center)
    if loss.minutiae_map:
        terms["minutiae_map"] = MinutiaeMap(loss.minutiae_map)
    if loss.triplet:
        terms["triplet"] = Triplets(Triplet(loss.triplet_margin), loss.triplet)
    if loss.pairs or loss.focal:
        terms["pairs"] = _pairs(loss, adjacent=config.data.sampler == "pairs")
    return Objective(terms)


def lengths_of(backbone: nn.Module) -> tuple[int, ...]:
    """Of its vectors."""
    parts: tuple[int, ...] = backbone.parts  # type: ignore[assignment]  # nn.Module says what its attributes may be
    return parts


def _classes(config: Config, parts: tuple[int, ...], classes: int) -> Classes:
    own = config.head
    heads = nn.ModuleList(
        head(own.name, embedding=part, classes=classes, margin=own.margin, scale=own.scale) for part in parts
    )
    return Classes(heads, CrossEntropy(config.loss.label_smoothing), config.loss.classes)


def _sharded(config: Config, parts: tuple[int, ...], classes: int, world: World) -> Classes:
    own = config.head
    heads = nn.ModuleList(
        Sharded(
            part,
            classes,
            margin_of(own.name, own.margin),
            own.scale,
            world,
            partial(key_of, config.run.seed, FIRST_WEIGHTS, place),
        )
        for place, part in enumerate(parts)
    )
    return Classes(heads, AsTold(), config.loss.classes)


def _pairs(loss: Loss, *, adjacent: bool) -> TwoOfOne:
    return TwoOfOne(Pairs(adjacent=adjacent, gamma=loss.focal_gamma), loss.pairs, loss.focal)


def _refuse_other_map(config: Config, backbone: nn.Module) -> None:
    """Who paints a map learns by it, and nobody else can."""
    paints, weight = getattr(backbone, "paints", False), config.loss.minutiae_map
    if paints and not weight:
        raise UsageError(
            f"model.name is {config.model.name!r}, which learns where minutiae are, and loss.minutiae_map is 0. Set it "
            'to 0.3, as published, or take "deepprint-tex", which needs none.'
        )
    if weight and not paints:
        raise UsageError(
            f"loss.minutiae_map is {weight:g}, and model.name is {config.model.name!r}, which paints no map of "
            'minutiae. Set it to 0, or take "deepprint-texminu".'
        )


_TOLD = 5

DTYPES = {"off": None, "bf16": torch.bfloat16, "fp16": torch.float16}


def set_up(config: Config, device: torch.device) -> None:
    """The switches of torch itself."""
    torch.set_num_threads(config.system.threads)
    quick = device.type == "cuda" and not config.system.deterministic
    torch.set_float32_matmul_precision("high" if quick else "highest")  # TF32; judging sets it by this name, too
    torch.backends.cudnn.benchmark = quick
    if config.system.deterministic:  # asking for it at all imports half a second of compiler
        torch.use_deterministic_algorithms(True)  # noqa: FBT003 - torch's own signature


def shape_of(own: Model, seen: Input) -> Shape:
    return Shape(
        seen.channels,
        seen.size,
        own.embedding,
        width=own.width,
        dropout=own.dropout,
        patch=own.patch,
        blocks=own.blocks,
    )


def trunk_of(config: Config, seen: Input) -> nn.Module:
    try:
        return backbone(config.model.name, shape_of(config.model, seen))
    except (LookupError, ValueError) as error:
        raise UsageError(str(error.args[0])) from None


def network_of(config: Config, classes: int, seen: Input, world: World) -> Network:
    """The same first weights on every rank and any number of them."""
    seed_all(config.run.seed, FIRST_WEIGHTS, 0)
    trunk = trunk_of(config, seen)
    if config.system.activation_checkpoint:
        recompute(trunk)
    objective = objective_of(config, trunk, classes, world)
    network = Network(trunk, objective, dtype=DTYPES[config.amp.dtype], offload=config.system.activation_offload)
    return on_device(network, config, world.device)


def on_device(network: Network, config: Config, device: torch.device) -> Network:
    network = network.to(device)
    return network.to(memory_format=torch.channels_last) if config.system.channels_last else network  # type: ignore[call-overload]  # torch types no memory format alone


def state_of(config: Config, network: Network, world: World) -> State:
    ema = Ema(network, config.ema.decay) if config.ema.decay else None
    scaler = Scaler(config.amp.init_scale, config.amp.growth_interval) if config.amp.dtype == "fp16" else None
    own = config.optim
    sharded = own.sharded and world.size > 1
    return State(
        network,
        optimizer(network.parameters(), own.name, own.momentum, own.betas, own.eps, own.weight_decay, sharded=sharded),
        ema,
        scaler,
        bring=world.brought,
    )


def gradients_of(config: Config, network: Network, world: World) -> Gradients:
    called = _compiled(config, network) if config.system.compile else network
    whole = config.data.global_batch // config.data.micro_batch
    if config.optim.reduce == "exact":
        return Exact(network, called, world, whole)
    return Averaged(network, called, world, whole // world.size)


def _compiled(config: Config, network: Network) -> nn.Module:
    if not config.head.sharded:
        return torch.compile(network)  # type: ignore[return-value]  # it wraps a module in one
    network.compile_backbone()
    return network


def step_of(config: Config, state: State, augment: Augmentation, world: World) -> Step:
    network = state.network
    micro_batches = config.data.global_batch // config.data.micro_batch
    return Step(
        state,
        gradients_of(config, network, world),
        Tally(averaging(network), world, micro_batches, len(network.objective)),
        Gathered(gathering(network), world),
        Drawn(network, world, config.run.seed, config.head.sampled),
        Norm(network, world, config.optim.clip),
        augment,
        config.run.seed,
    )


def start_from(path: str, network: Network, say: Callable[[str], None]) -> None:
    """Weights of another run: the backbone alone, and whatever does not match is told."""
    if not Path(path).is_file():
        raise UsageError(f"model.init: there is no file {path}. Name a model.safetensors or ema.safetensors of a run.")
    prefix, there = "backbone.", network.state_dict()
    try:
        found = {name: each for name, each in load_file(path).items() if name.startswith(prefix)}
    except SafetensorError as error:
        raise UsageError(f"model.init: {path} is no sound safetensors file ({error}). Name another.") from None
    fitting = {name: each for name, each in found.items() if name in there and there[name].shape == each.shape}
    if not fitting:
        raise UsageError(f"model.init: nothing of {path} fits model.name = this backbone. Is it of another model?")
    network.load_state_dict(fitting, strict=False)
    ours = {name for name in there if name.startswith(prefix)}
    odd = _odd((set(found) | ours) - set(fitting))
    say(f"model.init: {len(fitting)} tensors of the backbone were read from {path}.{odd}")


def _odd(names: set[str]) -> str:
    if not names:
        return ""
    first = ", ".join(sorted(names)[:_TOLD]) + (" …" if len(names) > _TOLD else "")
    return f" {len(names)} do not match and keep their first values: {first}."


Say = Callable[[str], None]


@dataclass(frozen=True)
class Parts:
    config: Config
    """With every `auto` decided."""
    dataset: Dataset
    record: Mapping[str, Any]
    """What every checkpoint says of the run."""
    schedule: Schedule
    state: State
    augment: Augmentation
    step: Step
    stream: Mapping[str, Any]
    """The stream's state before the first of the rows."""
    rows: Iterator[Row]
    first: Row


def parts_of(config: Config, world: World, before: Found | None, say: Say) -> Parts:
    config = resolved(config, world, before.state if before else None)
    if before:
        refuse_other(before.state["identity"], identity_of(config))
        refuse_missing_generation(before.state, config.data.path)
    dataset = dataset_of(config, before.state["dataset"]["generation"] if before else None)
    if before:
        refuse_other_dataset(before.state, dataset, config.data.path)
    set_up(config, world.device)
    minutiae = config.loss.minutiae_map > 0
    if minutiae and not before:
        refuse_without_minutiae(config, dataset.generation)
    feed = Feed(config.data, config.data.train, world, config.run.seed, dataset.generation, minutiae=minutiae)
    if before:
        feed.load(before.state["stream"])
    stream, rows = feed.state(), feed.rows()
    first = next(rows)
    seen = input_of(first, config.augment)
    record = record_of(config, dataset, seen, world)
    if before:
        tell_what_differs(before.state, record, say)
    state = _state(config, world, dataset, seen, before, say)
    augment = Augmentation(config.augment, config.run.seed)
    step = step_of(config, state, augment, world)
    schedule = schedule_of(config, len(feed), dataset.samples)
    return Parts(config, dataset, record, schedule, state, augment, step, stream, chain([first], rows), first)


def schedule_of(config: Config, epoch: int, samples: int) -> Schedule:
    whole = config.run.epochs * epoch
    steps = min(whole, config.run.steps) if config.run.steps else whole
    peak = peak_of(config.optim, config.data.global_batch, samples)
    return Schedule(epoch, steps, peak, config.optim, config.validate, config.checkpoint, config.log)


def _state(  # noqa: PLR0917 - what a state is made from
    config: Config, world: World, dataset: Dataset, seen: Input, before: Found | None, say: Say
) -> State:
    network = network_of(config, dataset.classes, seen, world)
    if config.model.init and not before:
        start_from(config.model.init, network, say)
    state = state_of(config, network, world)
    if before:
        state.load(load(before.folder, state.reads), before.state)
    return state


def _parameters(network: nn.Module, ranks: int) -> int:
    """Of classes that are spread over ranks, too: this one holds its share."""
    split = blocks_in(network)
    shared = sum(each.numel() for name, each in network.named_parameters() if name not in split)
    heads = len(split) * ranks // BLOCKS
    return shared + heads * max((each.classes * each.weight.shape[1] for each in split.values()), default=0)


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
