"""`python -m trainer overfit --config …`: trains on one batch until it is memorized, to check that a model can learn.

If it cannot, something between data, network and loss is wired wrongly.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from trainer.build import RunComponents, build_run
from trainer.cli.app import make_config_parser, parse_arguments
from trainer.cli.run_folder import say
from trainer.cli.train import set_cuda_environment
from trainer.config.checks import check_config
from trainer.config.files import load_config
from trainer.config.schema import Config
from trainer.distributed.world import World, die_with_parent, distributed_session

STEPS = 300
OVERFIT_LOSS = 0.05
"""A loss below this is as good as 0."""
EXIT_NOT_OVERFIT = 1
_TOLD_EVERY = 25
_BESIDE = {"center", "minutiae_map"}
"""Terms that tell nobody apart: centres lag behind, and no map is painted to the last pixel."""

Terms = Mapping[str, float]

_DESCRIPTION = f"""Learn one row by heart: {STEPS} steps at most, without augmentation, dropout and weight decay.

The same config as training takes, and it writes nothing. It ends with 1 if the loss stays above {OVERFIT_LOSS}."""


def main(arguments: Sequence[str]) -> int:
    die_with_parent()
    _, flags = parse_arguments(
        make_config_parser("overfit", _DESCRIPTION, "--config demo --data.path packed"), arguments
    )
    config = overfit_config(load_config(flags))
    set_cuda_environment(config)
    with distributed_session(config.system) as world:
        check_config(config, world.size, world.device.type)
        parts = build_run(config, world, None, lambda text: say(world, text))
        loss, steps, terms = _overfit(parts, world)
        good = loss < OVERFIT_LOSS
        say(world, _verdict(loss, steps, parts.schedule.peak, terms, good=good))
    return 0 if good else EXIT_NOT_OVERFIT


def overfit_config(config: Config) -> Config:
    """Nothing that keeps a network from learning by heart, and a learning rate that stays."""
    return replace(
        config,
        augment=replace(config.augment, enabled=False),
        model=replace(config.model, dropout=0.0),
        loss=replace(config.loss, label_smoothing=0.0),
        optim=replace(config.optim, schedule="constant", warmup=0.0, weight_decay=0.0),
    )


def _overfit(parts: RunComponents, world: World) -> tuple[float, int, Terms]:
    """The loss that was reached, after how many steps, and what it is the sum of."""
    names, loss, terms = parts.state.network.objective.names, float("inf"), {}
    for step in range(1, STEPS + 1):
        said = parts.step(parts.first, parts.schedule.peak, 0).said
        terms = {name: mean for name, mean in zip(names, said.means, strict=True) if name not in _BESIDE}
        loss = sum(terms.values())
        if step == 1 or step % _TOLD_EVERY == 0:
            say(world, f"step {step:>4}   loss {loss:.4f}")
        if loss < OVERFIT_LOSS:
            return loss, step, terms
    return loss, STEPS, terms


def _verdict(loss: float, steps: int, lr: float, terms: Terms, *, good: bool) -> str:
    if good:
        return f"Learnt by heart: loss {loss:.4f} after {steps} steps on one row. The wiring is right."
    return (
        f"Not learnt: loss {loss:.4f} after {steps} steps on one row of the same samples, at learning rate {lr:.2g} "
        f"({', '.join(f'{name} {mean:.4f}' for name, mean in terms.items())}). "
        "Look, in this order, at: the learning rate (optim.base_lr: ten times more, and ten times less); the labels "
        "(do samples of one subject share one? `shardkit ls` tells); the pictures (train one step, then `python -m "
        "trainer replay RUN 1`); the weights that were read (model.init)."
    )
