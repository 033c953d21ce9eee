"""Checks of a config: ranges of values, combinations of settings, and the division of a batch among ranks.

Each rule is independent and returns a sentence or nothing, so a user sees all mistakes together. A sentence names the
values and what to set instead. Ranks times micro-batch must divide the global batch. Triplets and pairs are formed
within a micro-batch, so it must hold samples that can be compared. What depends on images is checked in `augment/`.
"""

from collections.abc import Callable, Iterable, Iterator

from trainer.config.ranges import range_errors
from trainer.config.schema import Config, Data, Head
from trainer.config.settings import values_of
from trainer.errors import UsageError


def objective_error(config: Config) -> str:
    loss = config.loss
    if loss.classes or loss.triplet or loss.pairs or loss.focal:
        return ""
    return "loss.classes, loss.triplet, loss.pairs and loss.focal are all 0: nothing tells subjects apart. Set one."


def positives_error(config: Config) -> str:
    """Triplets and pairs see one micro-batch, and in rows drawn by sample no two are of one subject."""
    loss, sampler = config.loss, config.data.sampler
    asked = [name for name in ("triplet", "pairs", "focal") if getattr(loss, name)]
    if not asked or sampler in {"pk", "pairs"}:
        return ""
    return (
        f'loss.{asked[0]} compares samples of one subject, and data.sampler is "{sampler}", which hardly ever brings '
        'two. Set data.sampler to "pk" with data.impressions_per_subject = 4, or to "pairs".'
    )


def center_loss_error(config: Config) -> str:
    if not config.loss.center or config.loss.classes:
        return ""
    return "loss.center draws samples to their class, and loss.classes is 0: all centres would fall together. Set both."


def minutiae_map_error(config: Config) -> str:
    """A map shows what is there to be seen."""
    if not (config.augment.erase and config.loss.minutiae_map):
        return ""
    return (
        f"augment.erase is {config.augment.erase:g} and loss.minutiae_map {config.loss.minutiae_map:g}: minutiae under "
        "an erased rectangle would have to be guessed. Set one of them to 0."
    )


def classification_error(config: Config) -> str:
    """Only whole heads name classes."""
    if config.validate.metric != "accuracy" or (config.loss.classes and not config.head.sharded):
        return ""
    return (
        'validate.metric is "accuracy", which asks the heads for names: set loss.classes above 0 and head.sharded to '
        'false, or validate.metric to "eer".'
    )


def sharded_head_error(config: Config) -> str:
    """The head that is spread over ranks is one of cosines."""
    head = config.head
    if not head.sharded:
        less = head.sampled < 1
        return "head.sampled is below 1, which only a sharded head can do. Set head.sharded to true." if less else ""
    if head.name == "softmax":
        return 'head.sharded needs a head of cosines. Set head.name to "cosface", with head.margin = 0 for none.'
    if config.loss.label_smoothing:
        return "head.sharded looks at a part of the classes at a time. Set loss.label_smoothing to 0."
    if config.optim.sharded:
        return "head.sharded spreads the optimiser of the classes already. Set optim.sharded to false."
    return ""


def impressions_error(config: Config) -> str:
    """P subjects x K impressions are a micro-batch: the sentence about it, or nothing."""
    data = config.data
    each = data.impressions_per_subject
    if data.sampler == "pk":
        return _too_few(each) if each < 2 else _unfilled(each, data.micro_batch)  # noqa: PLR2004 - two make a pair
    if not each:
        return ""
    return (
        f'data.impressions_per_subject is {each}, and it belongs to the sampler "pk", not "{data.sampler}". Set it to '
        '0, or data.sampler = "pk".'
    )


def pairs_error(config: Config) -> str:
    batch = config.data.micro_batch
    if config.data.sampler != "pairs" or batch % 2 == 0:
        return ""
    return (
        f'The sampler "pairs" fills micro-batches two by two, and data.micro_batch is {batch}. Set it to {batch + 1}.'
    )


def _too_few(each: int) -> str:
    return (
        f'The sampler "pk" makes pairs of one subject, and data.impressions_per_subject is {each}. Set it to 2 or '
        "more, 4 for example."
    )


def _unfilled(each: int, batch: int) -> str:
    if batch % each == 0 and batch > each:
        return ""
    return (
        f"data.micro_batch is {batch}, and P subjects x {each} impressions cannot fill it with two subjects or more. "
        f"Set it to a multiple of {each}, {max(2, round(batch / each)) * each} for example."
    )


BLOCKS_OF_CLASSES = 64
"""As `trainer.heads` cuts them, whatever the world."""


def rank_split_error(data: Data, ranks: int) -> str:
    """The sentence about it, or nothing."""
    at_once = ranks * data.micro_batch
    if data.global_batch % at_once == 0:
        return ""
    return (
        f"data.global_batch is {data.global_batch:,}, and {_ranks(ranks)} with data.micro_batch = {data.micro_batch:,} "
        f"take {at_once:,} samples at once, which does not divide it. {_remedies(data, ranks)}."
    )


def head_split_error(head: Head, ranks: int) -> str:
    if not head.sharded or BLOCKS_OF_CLASSES % ranks == 0:
        return ""
    counts = _either(_nearest(ranks, BLOCKS_OF_CLASSES))
    return (
        f"head.sharded spreads {BLOCKS_OF_CLASSES} blocks of classes evenly, and {_ranks(ranks)} cannot share them. "
        f"Start {counts} ranks, or set head.sharded to false."
    )


def _remedies(data: Data, ranks: int) -> str:
    batches = _nearest_multiples(data.global_batch, ranks * data.micro_batch)
    remedies = [f"Set data.global_batch = {_either(batches)}"]
    if data.global_batch % ranks == 0:
        remedies.append(f"data.micro_batch = {_either(_nearest(data.micro_batch, data.global_batch // ranks))}")
    if data.global_batch % data.micro_batch == 0:
        remedies.append(f"start {_either(_nearest(ranks, data.global_batch // data.micro_batch))} ranks")
    return ", or ".join(remedies)


def _nearest_multiples(value: int, step: int) -> list[int]:
    """The multiples on either side."""
    below = value // step * step
    return [each for each in (below, below + step) if each]


def _nearest(value: int, whole: int) -> list[int]:
    """The divisors on either side."""
    divisors = [each for each in range(1, whole + 1) if whole % each == 0]
    below, above = [each for each in divisors if each <= value], [each for each in divisors if each > value]
    return [*below[-1:], *above[:1]]


def _either(values: Iterable[int]) -> str:
    return " or ".join(f"{each}" for each in values)


def _ranks(count: int) -> str:
    return "1 rank" if count == 1 else f"{count:,} ranks"


Sentence = str
"""Nothing where all is well."""


def check_config(config: Config, world_size: int, device: str) -> None:
    """`device` is "cpu" or "cuda"."""
    found = list(range_errors(values_of(config)))
    found = found or [each for each in _combinations(config, world_size, device) if each]
    if found:
        raise UsageError("\n".join(found))


def _combinations(config: Config, world_size: int, device: str) -> Iterator[Sentence]:
    yield rank_split_error(config.data, world_size)
    yield head_split_error(config.head, world_size)
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
    impressions_error,
    pairs_error,
    objective_error,
    positives_error,
    center_loss_error,
    minutiae_map_error,
    classification_error,
    sharded_head_error,
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
