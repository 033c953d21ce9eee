"""What a loss asks of the rest: something to learn by, samples that it can compare, a head that fits."""

from trainer.config.sections import Config


def something_to_learn_by(config: Config) -> str:
    loss = config.loss
    if loss.classes or loss.triplet or loss.pairs or loss.focal:
        return ""
    return "loss.classes, loss.triplet, loss.pairs and loss.focal are all 0: nothing tells subjects apart. Set one."


def mates(config: Config) -> str:
    """Triplets and pairs see one micro-batch, and in rows drawn by sample no two are of one subject."""
    loss, sampler = config.loss, config.data.sampler
    asked = [name for name in ("triplet", "pairs", "focal") if getattr(loss, name)]
    if not asked or sampler in {"pk", "pairs"}:
        return ""
    return (
        f'loss.{asked[0]} compares samples of one subject, and data.sampler is "{sampler}", which hardly ever brings '
        'two. Set data.sampler to "pk" with data.impressions_per_subject = 4, or to "pairs".'
    )


def centers(config: Config) -> str:
    if not config.loss.center or config.loss.classes:
        return ""
    return "loss.center draws samples to their class, and loss.classes is 0: all centres would fall together. Set both."


def painted(config: Config) -> str:
    """A map shows what is there to be seen."""
    if not (config.augment.erase and config.loss.minutiae_map):
        return ""
    return (
        f"augment.erase is {config.augment.erase:g} and loss.minutiae_map {config.loss.minutiae_map:g}: minutiae under "
        "an erased rectangle would have to be guessed. Set one of them to 0."
    )


def names(config: Config) -> str:
    """Only whole heads name classes."""
    if config.validate.metric != "accuracy" or (config.loss.classes and not config.head.sharded):
        return ""
    return (
        'validate.metric is "accuracy", which asks the heads for names: set loss.classes above 0 and head.sharded to '
        'false, or validate.metric to "eer".'
    )


def sharded(config: Config) -> str:
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
