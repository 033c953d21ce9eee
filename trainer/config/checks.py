"""Combinations that cannot be meant, each told in a sentence with its figures and with what to set instead.

Every rule stands by itself and says nothing where all is well, so that a user hears of all mistakes at once.
"""

from collections.abc import Callable, Iterator

from trainer.config import objectives
from trainer.config.ranges import out_of_range
from trainer.config.samplers import impressions, pairs
from trainer.config.sections import Config
from trainer.config.settings import values_of
from trainer.config.sharing import cannot_be_shared, cannot_be_spread
from trainer.errors import UsageError

Sentence = str
"""Nothing where all is well."""


def check(config: Config, world_size: int, device: str) -> None:
    """`device` is "cpu" or "cuda"."""
    found = list(out_of_range(values_of(config)))
    found = found or [each for each in _combinations(config, world_size, device) if each]
    if found:
        raise UsageError("\n".join(found))


def _combinations(config: Config, world_size: int, device: str) -> Iterator[Sentence]:
    yield cannot_be_shared(config.data, world_size)
    yield cannot_be_spread(config.head, world_size)
    for rule in _RULES:
        yield rule(config)
    if device == "cpu":
        yield from _on_cpu(config)


def _dataset(config: Config) -> Sentence:
    if config.data.path:
        return ""
    return "No dataset is named. Give the folder that `shardkit pack` wrote: --data.path FOLDER."


def _splits(config: Config) -> Sentence:
    return "" if config.data.train else 'data.train is "". Name the split to learn from, "train" for example.'


def _bounds(config: Config) -> Sentence:
    augment = config.augment
    for name in ("contrast", "gain", "erase_area"):
        low, high = getattr(augment, name)
        if low > high:
            return f"augment.{name} is {low:g} to {high:g}. Write the lesser figure first."
    return ""


def _mirrored(config: Config) -> Sentence:
    flip, weight = config.augment.flip, config.loss.minutiae_map
    if not (flip and weight):
        return ""
    return (
        f"augment.flip is {flip:g} and loss.minutiae_map is {weight:g}, so these are prints, and a mirrored print is "
        "another finger's. Set augment.flip to 0; for faces, loss.minutiae_map to 0."
    )


def _crop(config: Config) -> Sentence:
    height, width = config.augment.crop
    if bool(height) == bool(width):
        return ""
    return f"augment.crop is {height} {width}. Give a height and a width, or 0 0 for the whole image."


def _warmup(config: Config) -> Sentence:
    optim, epochs = config.optim, config.run.epochs
    if optim.warmup < epochs:
        return ""
    return (
        f"optim.warmup is {optim.warmup:g} epochs, and the run has {epochs}: it would end before its learning rate is "
        f"reached. Set optim.warmup below {epochs}, or run.epochs above {optim.warmup:g}."
    )


def _milestones(config: Config) -> Sentence:
    optim = config.optim
    if optim.schedule == "step" and not optim.milestones:
        return (
            'optim.schedule is "step", and optim.milestones names no epoch. Name those at which the rate is to fall, '
            f"{_thirds(config.run.epochs)} for example, or take another schedule."
        )
    if list(optim.milestones) != sorted(set(optim.milestones)):
        return f"optim.milestones is {_listed(optim.milestones)}. Write each epoch once, the first one first."
    return ""


def _validation(config: Config) -> Sentence:
    if not config.data.val or config.validate.every_epochs or config.validate.every_steps:
        return ""
    return (
        f'data.val is "{config.data.val}", and validate.every_epochs and validate.every_steps are both 0. Set one of '
        'them, or data.val = "" to learn without validation.'
    )


def _subset(config: Config) -> Sentence:
    subset = config.validate.subset
    if subset != 1:
        return ""
    return "validate.subset is 1, and one sample makes no pair to compare. Set it to some hundreds, or to 0 for all."


def _reduction(config: Config) -> Sentence:
    if config.optim.reduce != "exact" or config.amp.dtype != "fp16":
        return ""
    return (
        'optim.reduce is "exact" and amp.dtype is "fp16": an overflow is expected there, and whole numbers cannot hold '
        'one. Set amp.dtype to "bf16" or "off", or optim.reduce to "ddp".'
    )


_RULES: tuple[Callable[[Config], Sentence], ...] = (
    _dataset,
    _splits,
    impressions,
    pairs,
    objectives.something_to_learn_by,
    objectives.mates,
    objectives.centers,
    objectives.painted,
    objectives.names,
    objectives.sharded,
    _bounds,
    _mirrored,
    _crop,
    _warmup,
    _milestones,
    _validation,
    _subset,
    _reduction,
)


def _on_cpu(config: Config) -> Iterator[Sentence]:
    if config.system.channels_last:
        yield (
            "system.channels_last is true on a CPU, where torch's backward can overwrite memory with it. Set "
            "system.channels_last = false, or system.device to cuda."
        )
    if config.amp.dtype == "fp16":
        yield 'amp.dtype is "fp16" on a CPU, which has no fast arithmetic for it. Set amp.dtype to "off" or "bf16".'


def _thirds(epochs: int) -> str:
    return _listed((epochs / 3, epochs * 2 / 3))


def _listed(values: tuple[float, ...]) -> str:
    return "[" + ", ".join(f"{each:.4g}" for each in values) + "]"
