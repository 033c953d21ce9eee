"""What the samplers of pairs and triplets ask of a micro-batch, which is all that such a loss sees at once."""

from trainer.config.sections import Config


def impressions(config: Config) -> str:
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


def pairs(config: Config) -> str:
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
