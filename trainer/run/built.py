"""From a resolved config to the parts that learn."""

from collections.abc import Callable
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import nn

from trainer.augment.augment import Augment
from trainer.config.sections import Config, Model
from trainer.errors import UsageError
from trainer.models.chosen import backbone
from trainer.models.features import Shape
from trainer.models.memory import recompute
from trainer.optim.chosen import optimizer
from trainer.optim.ema import Ema
from trainer.optim.scaler import Scaler
from trainer.reduce.averaged import Averaged
from trainer.reduce.drawn import Drawn
from trainer.reduce.exact import Exact
from trainer.reduce.gathered import Gathered
from trainer.reduce.gradients import Gradients
from trainer.reduce.norm import Norm
from trainer.reduce.row import Tally
from trainer.rowwise import averaging, gathering
from trainer.run.inputs import Input
from trainer.run.objective import objective_of
from trainer.state.network import Network
from trainer.state.state import State
from trainer.step import FIRST_WEIGHTS, Step, seed_all
from trainer.world.ranks import World

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


def step_of(config: Config, state: State, augment: Augment, world: World) -> Step:
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
