"""How a row is shared: ranks x micro_batch must divide global_batch, and what to set where it does not."""

from collections.abc import Iterable

from trainer.config.sections import Data, Head

BLOCKS_OF_CLASSES = 64
"""As `trainer.heads` cuts them, whatever the world."""


def cannot_be_shared(data: Data, ranks: int) -> str:
    """The sentence about it, or nothing."""
    at_once = ranks * data.micro_batch
    if data.global_batch % at_once == 0:
        return ""
    return (
        f"data.global_batch is {data.global_batch:,}, and {_ranks(ranks)} with data.micro_batch = {data.micro_batch:,} "
        f"take {at_once:,} samples at once, which does not divide it. {_remedies(data, ranks)}."
    )


def cannot_be_spread(head: Head, ranks: int) -> str:
    if not head.sharded or BLOCKS_OF_CLASSES % ranks == 0:
        return ""
    counts = _either(_nearest(ranks, BLOCKS_OF_CLASSES))
    return (
        f"head.sharded spreads {BLOCKS_OF_CLASSES} blocks of classes evenly, and {_ranks(ranks)} cannot share them. "
        f"Start {counts} ranks, or set head.sharded to false."
    )


def _remedies(data: Data, ranks: int) -> str:
    batches = _around(data.global_batch, ranks * data.micro_batch)
    remedies = [f"Set data.global_batch = {_either(batches)}"]
    if data.global_batch % ranks == 0:
        remedies.append(f"data.micro_batch = {_either(_nearest(data.micro_batch, data.global_batch // ranks))}")
    if data.global_batch % data.micro_batch == 0:
        remedies.append(f"start {_either(_nearest(ranks, data.global_batch // data.micro_batch))} ranks")
    return ", or ".join(remedies)


def _around(value: int, step: int) -> list[int]:
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
