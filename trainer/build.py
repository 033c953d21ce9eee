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
from trainer.augment.random_draws import mix_key
from trainer.checkpoint.state import State
from trainer.checkpoint.store import CheckpointRef, load_tensors
from trainer.config.schema import Config, Loss, Model
from trainer.config.settings import check_same_identity, identity_of
from trainer.data import Batch, BatchLoader, InputShape, input_shape_of
from trainer.distributed.gradients import DdpReducer, ExactReducer, GradClipper, GradientReducer
from trainer.distributed.step_stats import NegativeSampler, RowGatherer, StepStatsReducer
from trainer.distributed.world import World
from trainer.errors import UsageError
from trainer.heads.margin import CrossEntropy, make_head, make_margin
from trainer.heads.partial_fc import BLOCKS, AsTold, PartialFCHead, find_blocks
from trainer.losses import BatchHardTripletLoss, CenterLoss, PairLoss
from trainer.models.layers import BackboneSpec, find_per_step_gathers, find_per_step_means
from trainer.models.registry import make_backbone
from trainer.network import (
    CenterTerm,
    ClassificationTerm,
    MinutiaeMapTerm,
    Network,
    Objective,
    PairTerm,
    TripletTerm,
    recompute_blocks,
)
from trainer.optim import Ema, LossScaler, make_optimizer
from trainer.run_record import (
    DatasetRecord,
    RunContext,
    check_generation_exists,
    check_has_minutiae,
    check_same_dataset,
    device_name,
    make_run_record,
    read_dataset_record,
    resolve_config,
    warn_differences,
)
from trainer.schedule import Schedule, peak_lr
from trainer.train_step import FIRST_WEIGHTS, TrainStep, seed_all


def build_objective(config: Config, backbone: nn.Module, classes: int, world: World) -> Objective:
    """A term for each weight that is not 0."""
    loss, parts = config.loss, part_sizes(backbone)
    _check_map_loss(config, backbone)
    terms: dict[str, nn.Module] = {}
    if loss.classes:
        terms["classes"] = (
            _sharded(config, parts, classes, world) if config.head.sharded else _classes(config, parts, classes)
        )
    if loss.center:
        terms["center"] = CenterTerm([CenterLoss(classes, part, loss.center_rate) for part in parts], loss.center)
    if loss.minutiae_map:
        terms["minutiae_map"] = MinutiaeMapTerm(loss.minutiae_map)
    if loss.triplet:
        terms["triplet"] = TripletTerm(BatchHardTripletLoss(loss.triplet_margin), loss.triplet)
    if loss.pairs or loss.focal:
        terms["pairs"] = _pairs(loss, adjacent=config.data.sampler == "pairs")
    return Objective(terms)


def part_sizes(backbone: nn.Module) -> tuple[int, ...]:
    """Of its vectors."""
    parts: tuple[int, ...] = backbone.parts  # type: ignore[assignment]  # nn.Module says what its attributes may be
    return parts


def _classes(config: Config, parts: tuple[int, ...], classes: int) -> ClassificationTerm:
    own = config.head
    heads = nn.ModuleList(
        make_head(own.name, embedding=part, classes=classes, margin=own.margin, scale=own.scale) for part in parts
    )
    return ClassificationTerm(heads, CrossEntropy(config.loss.label_smoothing), config.loss.classes)


def _sharded(config: Config, parts: tuple[int, ...], classes: int, world: World) -> ClassificationTerm:
    own = config.head
    heads = nn.ModuleList(
        PartialFCHead(
            part,
            classes,
            make_margin(own.name, own.margin),
            own.scale,
            world,
            partial(mix_key, config.run.seed, FIRST_WEIGHTS, place),
        )
        for place, part in enumerate(parts)
    )
    return ClassificationTerm(heads, AsTold(), config.loss.classes)


def _pairs(loss: Loss, *, adjacent: bool) -> PairTerm:
    return PairTerm(PairLoss(adjacent=adjacent, gamma=loss.focal_gamma), loss.pairs, loss.focal)


def _check_map_loss(config: Config, backbone: nn.Module) -> None:
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


def configure_torch(config: Config, device: torch.device) -> None:
    """The switches of torch itself."""
    torch.set_num_threads(config.system.threads)
    quick = device.type == "cuda" and not config.system.deterministic
    torch.set_float32_matmul_precision("high" if quick else "highest")  # TF32; judging sets it by this name, too
    torch.backends.cudnn.benchmark = quick
    if config.system.deterministic:  # asking for it at all imports half a second of compiler
        torch.use_deterministic_algorithms(True)  # noqa: FBT003 - torch's own signature


def backbone_spec(own: Model, seen: InputShape) -> BackboneSpec:
    return BackboneSpec(
        seen.channels,
        seen.size,
        own.embedding,
        width=own.width,
        dropout=own.dropout,
        patch=own.patch,
        blocks=own.blocks,
    )


def build_backbone(config: Config, seen: InputShape) -> nn.Module:
    try:
        return make_backbone(config.model.name, backbone_spec(config.model, seen))
    except (LookupError, ValueError) as error:
        raise UsageError(str(error.args[0])) from None


def build_network(config: Config, classes: int, seen: InputShape, world: World) -> Network:
    """The same first weights on every rank and any number of them."""
    seed_all(config.run.seed, FIRST_WEIGHTS, 0)
    trunk = build_backbone(config, seen)
    if config.system.activation_checkpoint:
        recompute_blocks(trunk)
    objective = build_objective(config, trunk, classes, world)
    network = Network(trunk, objective, dtype=DTYPES[config.amp.dtype], offload=config.system.activation_offload)
    return move_to_device(network, config, world.device)


def move_to_device(network: Network, config: Config, device: torch.device) -> Network:
    network = network.to(device)
    return network.to(memory_format=torch.channels_last) if config.system.channels_last else network  # type: ignore[call-overload]  # torch types no memory format alone


def build_state(config: Config, network: Network, world: World) -> State:
    ema = Ema(network, config.ema.decay) if config.ema.decay else None
    scaler = LossScaler(config.amp.init_scale, config.amp.growth_interval) if config.amp.dtype == "fp16" else None
    own = config.optim
    sharded = own.sharded and world.size > 1
    return State(
        network,
        make_optimizer(
            network.parameters(), own.name, own.momentum, own.betas, own.eps, own.weight_decay, sharded=sharded
        ),
        ema,
        scaler,
        bring=world.gather_to_main,
    )


def build_reducer(config: Config, network: Network, world: World) -> GradientReducer:
    called = _compile_network(config, network) if config.system.compile else network
    whole = config.data.global_batch // config.data.micro_batch
    if config.optim.reduce == "exact":
        return ExactReducer(network, called, world, whole)
    return DdpReducer(network, called, world, whole // world.size)


def _compile_network(config: Config, network: Network) -> nn.Module:
    if not config.head.sharded:
        return torch.compile(network)  # type: ignore[return-value]  # it wraps a module in one
    network.compile_backbone()
    return network


def build_step(config: Config, state: State, augment: Augmentation, world: World) -> TrainStep:
    network = state.network
    micro_batches = config.data.global_batch // config.data.micro_batch
    return TrainStep(
        state,
        build_reducer(config, network, world),
        StepStatsReducer(find_per_step_means(network), world, micro_batches, len(network.objective)),
        RowGatherer(find_per_step_gathers(network), world),
        NegativeSampler(network, world, config.run.seed, config.head.sampled),
        GradClipper(network, world, config.optim.clip),
        augment,
        config.run.seed,
    )


def load_initial_weights(path: str, network: Network, say: Callable[[str], None]) -> None:
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
class RunComponents:
    config: Config
    """With every `auto` decided."""
    dataset: DatasetRecord
    record: Mapping[str, Any]
    """What every checkpoint says of the run."""
    schedule: Schedule
    state: State
    augment: Augmentation
    step: TrainStep
    stream: Mapping[str, Any]
    """The stream's state before the first of the rows."""
    rows: Iterator[Batch]
    first: Batch


def build_run(config: Config, world: World, before: CheckpointRef | None, say: Say) -> RunComponents:
    config = resolve_config(config, world, before.state if before else None)
    if before:
        check_same_identity(before.state["identity"], identity_of(config))
        check_generation_exists(before.state, config.data.path)
    dataset = read_dataset_record(config, before.state["dataset"]["generation"] if before else None)
    if before:
        check_same_dataset(before.state, dataset, config.data.path)
    configure_torch(config, world.device)
    minutiae = config.loss.minutiae_map > 0
    if minutiae and not before:
        check_has_minutiae(config, dataset.generation)
    feed = BatchLoader(config.data, config.data.train, world, config.run.seed, dataset.generation, minutiae=minutiae)
    if before:
        feed.load(before.state["stream"])
    stream, rows = feed.state(), feed.iter_batches()
    first = next(rows)
    seen = input_shape_of(first, config.augment)
    record = make_run_record(config, dataset, seen, world)
    if before:
        warn_differences(before.state, record, say)
    state = _state(config, world, dataset, seen, before, say)
    augment = Augmentation(config.augment, config.run.seed)
    step = build_step(config, state, augment, world)
    schedule = build_schedule(config, len(feed), dataset.samples)
    return RunComponents(config, dataset, record, schedule, state, augment, step, stream, chain([first], rows), first)


def build_schedule(config: Config, epoch: int, samples: int) -> Schedule:
    whole = config.run.epochs * epoch
    steps = min(whole, config.run.steps) if config.run.steps else whole
    peak = peak_lr(config.optim, config.data.global_batch, samples)
    return Schedule(epoch, steps, peak, config.optim, config.validate, config.checkpoint, config.log)


def _state(  # noqa: PLR0917 - what a state is made from
    config: Config, world: World, dataset: DatasetRecord, seen: InputShape, before: CheckpointRef | None, say: Say
) -> State:
    network = build_network(config, dataset.classes, seen, world)
    if config.model.init and not before:
        load_initial_weights(config.model.init, network, say)
    state = build_state(config, network, world)
    if before:
        state.load(load_tensors(before.folder, state.reads), before.state)
    return state


def _parameters(network: nn.Module, ranks: int) -> int:
    """Of classes that are spread over ranks, too: this one holds its share."""
    split = find_blocks(network)
    shared = sum(each.numel() for name, each in network.named_parameters() if name not in split)
    heads = len(split) * ranks // BLOCKS
    return shared + heads * max((each.classes * each.weight.shape[1] for each in split.values()), default=0)


def run_facts(parts: RunComponents, around: RunContext) -> dict[str, Any]:
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
