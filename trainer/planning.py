"""Arithmetic of `trainer plan`: batch, epochs, memory, disk and time from a dataset, a config and a number of GPUs.

Numbers in, numbers out, each with its source. A rate that the user gives takes precedence over measured ones. The
largest parts of the memory are the backbone, the head, which grows with the number of subjects, and the optimizer. Disk
sizes include a margin, because a full disk ends a run in the middle of a checkpoint.
"""

from dataclasses import dataclass
from itertools import pairwise
from math import log

from trainer.errors import UsageError


@dataclass(frozen=True)
class BatchPlan:
    """Of one card or rank."""

    micro: int
    """Samples of one forward and backward."""
    accumulation: int
    """Micro-batches a step."""

    @property
    def samples(self) -> int:
        return self.micro * self.accumulation


BATCH_BY_MEMORY = {16: BatchPlan(32, 2), 24: BatchPlan(64, 1), 40: BatchPlan(128, 1), 80: BatchPlan(256, 1)}
"""By gigabytes, from the users' guides, for full-size nets on inputs of about 300 x 300 in half precision."""


def batch_for_gpu(gigabytes: float) -> BatchPlan:
    """That of the highest step which the card reaches. Smaller cards take the lowest one in smaller bites."""
    reached = [each for each in BATCH_BY_MEMORY if each <= gigabytes]
    if reached:
        return BATCH_BY_MEMORY[max(reached)]
    smallest, lowest = min(BATCH_BY_MEMORY), BATCH_BY_MEMORY[min(BATCH_BY_MEMORY)]
    micro = lowest.micro
    while micro > 1 and micro * smallest > lowest.micro * gigabytes:
        micro //= 2
    return BatchPlan(micro, lowest.samples // micro)


def batch_from_config(global_batch: int, micro_batch: int, ranks: int) -> BatchPlan:
    """Where memory is no reason to change the config's batch, or nobody knows how much it takes. It grows where the
    ranks do not divide it.
    """
    share = -(-global_batch // ranks)
    micro = max(each for each in range(1, min(micro_batch, share) + 1) if share % each == 0)
    return BatchPlan(micro, share // micro)


DISK_MARGIN = 0.5

BYTES_PER_HALF = 2
"""Bytes of a number in half precision, which embeddings are written in."""

BYTES_PER_LOG_LINE = 1_000
"""Bytes of a line of metrics with its TensorBoard events, generously."""


@dataclass(frozen=True)
class DiskUsage:
    """Bytes."""

    dataset: int
    """Shards with images and minutiae, and their index."""
    checkpoints: int
    embeddings: int
    logs: int

    @property
    def with_margin(self) -> int:
        return round((self.dataset + self.checkpoints + self.embeddings + self.logs) * (1 + DISK_MARGIN))


def checkpoint_bytes(size: int, keep: int) -> int:
    """The newest ones and the best."""
    return (keep + 1) * size


def embedding_bytes(samples: int, embedding: int) -> int:
    return samples * embedding * BYTES_PER_HALF


def log_bytes(steps: int, every: int) -> int:
    return -(-steps // every) * BYTES_PER_LOG_LINE


EPOCH_GUIDE = {50_000: 15, 1_000_000: 10, 10_000_000: 5, 50_000_000: 3}
"""The users' guides' table. Their formula, max(5, min(15, 50000 / n)), says 5 at 50,000 samples."""

ENOUGH_STEPS = 800
"""What the demo learns in. Fewer samples than the table knows fill few rows, and a net learns by steps."""


def epochs_for(samples: int, epoch_steps: int) -> int:
    if samples < min(EPOCH_GUIDE):
        return max(epochs_from_table(samples), round(ENOUGH_STEPS / epoch_steps))
    return epochs_from_table(samples)


def epochs_from_table(samples: int) -> int:
    """Between the lines of the table straight in the logarithm; its ends hold for what lies beyond."""
    if samples <= min(EPOCH_GUIDE):
        return EPOCH_GUIDE[min(EPOCH_GUIDE)]
    for (less, more_epochs), (more, fewer_epochs) in pairwise(EPOCH_GUIDE.items()):
        if samples <= more:
            share = log(samples / less) / log(more / less)
            return round(more_epochs + share * (fewer_epochs - more_epochs))
    return EPOCH_GUIDE[max(EPOCH_GUIDE)]


A100_THROUGHPUT = {1: 1_000.0, 4: 3_500.0, 8: 6_500.0}
"""By cards."""

_GUIDES = "what the users' guides expect of DeepPrint on A100 cards; your net and cards differ: give --rate"

TWO_CORE_THROUGHPUT = 64 * 2_515 / (8 * 60)
"""2,515 rows of 64 in 8 minutes."""

_PROTOTYPE = "measured on two cores with the demo's net at 160 x 128, so another machine or net differs: give --rate"


@dataclass(frozen=True)
class Throughput:
    samples: float
    """A second, over all cards."""
    source: str


def gpu_throughput(count: int) -> Throughput:
    """Between measured numbers of cards straight in both logarithms, and beyond the last as good a card as there."""
    last = max(A100_THROUGHPUT)
    if count >= last:
        return Throughput(A100_THROUGHPUT[last] * count / last, _GUIDES)
    for (fewer, slower), (more, faster) in pairwise(A100_THROUGHPUT.items()):
        if count <= more:
            share = log(count / fewer) / log(more / fewer)
            return Throughput(slower * (faster / slower) ** share, _GUIDES)
    raise AssertionError("the table covers every number of cards below its last")


def cpu_throughput() -> Throughput:
    """However many ranks share the cores."""
    return Throughput(TWO_CORE_THROUGHPUT, _PROTOTYPE)


BYTES_PER_FLOAT = 4
"""Bytes of a number: weights and their optimiser are in single precision whatever the arithmetic is."""


@dataclass(frozen=True)
class WeightCounts:
    backbone: int
    """Parameters."""
    classes: int
    embedding: int
    copies: int
    """Numbers that the optimiser keeps for each parameter."""
    averaged: bool
    """Whether an EMA is kept."""
    spread: bool = False
    """Whether each card holds its share of the classes alone."""
    centred: bool = False
    """Whether each class has a centre, which every card holds."""

    @property
    def parameters(self) -> int:
        return self.backbone + self._of_classes

    @property
    def head(self) -> int:
        """Bytes of the head with its share of the optimiser."""
        return self._of_classes * BYTES_PER_FLOAT * (1 + self.copies)

    @property
    def checkpoint(self) -> int:
        return self.parameters * BYTES_PER_FLOAT * (1 + self.averaged + self.copies) + self._centres * (
            1 + self.averaged
        )

    def on_card(self, cards: int = 1, *, sharded: bool = False) -> int:
        """Weights, their gradients and average, and the optimiser, which may be spread over the cards.

        Activations come on top; they are what the micro-batch was chosen by.
        """
        own = self.backbone + self._of_classes // (cards if self.spread else 1)
        optimizer = own * BYTES_PER_FLOAT * self.copies // (cards if sharded else 1)
        return own * BYTES_PER_FLOAT * (2 + self.averaged) + optimizer + self._centres * (1 + self.averaged)

    @property
    def _of_classes(self) -> int:
        return self.classes * self.embedding

    @property
    def _centres(self) -> int:
        """Bytes."""
        return self._of_classes * BYTES_PER_FLOAT * self.centred


def optimizer_copies(optimizer: str, momentum: float) -> int:
    """Adam keeps two averages of every gradient, SGD one if it has momentum."""
    if optimizer == "sgd":
        return int(momentum > 0)
    return 2


@dataclass(frozen=True)
class DataAmount:
    """Of data."""

    samples: int
    """To learn from."""
    subjects: int
    classes: int
    """Labels given so far, those of removed subjects too."""
    all_samples: int
    """With those that are judged on."""
    bytes: int


@dataclass(frozen=True)
class RunSettings:
    """What of a config has its price."""

    keep: int
    """Checkpoints, beside the best one."""
    log_every: int
    sharded: bool


@dataclass(frozen=True)
class Plan:
    ranks: int
    batch: BatchPlan
    """Of each of them."""
    epochs: int
    epoch_steps: int
    head_bytes: int
    rank_bytes: int
    """On each card, before activations."""
    disk: DiskUsage
    rate: Throughput

    @property
    def global_batch(self) -> int:
        return self.ranks * self.batch.samples

    @property
    def steps(self) -> int:
        return self.epochs * self.epoch_steps

    @property
    def epoch_seconds(self) -> float:
        return self.epoch_steps * self.global_batch / self.rate.samples


def plan_run(
    amount: DataAmount, weights: WeightCounts, habits: RunSettings, *, ranks: int, batch: BatchPlan, rate: Throughput
) -> Plan:
    row = ranks * batch.samples
    epoch_steps = amount.samples // row
    if not epoch_steps:
        raise UsageError(
            f"{amount.samples:,} samples do not fill one row of {row:,}, which is {ranks:,} x {batch.micro:,} x "
            f"{batch.accumulation:,}. Plan with fewer or smaller cards."
        )
    epochs = epochs_for(amount.samples, epoch_steps)
    disk = DiskUsage(
        dataset=amount.bytes,
        checkpoints=checkpoint_bytes(weights.checkpoint, habits.keep),
        embeddings=embedding_bytes(amount.all_samples, weights.embedding),
        logs=log_bytes(epochs * epoch_steps, habits.log_every),
    )
    on_rank = weights.on_card(ranks, sharded=habits.sharded)
    return Plan(ranks, batch, epochs, epoch_steps, weights.head, on_rank, disk, rate)
