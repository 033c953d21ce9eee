"""The plan of a run: batch, epochs, memory, disk and time, from a dataset, a config's figures and some cards."""

from dataclasses import dataclass

from trainer.errors import UsageError
from trainer.planning.cards import Batch
from trainer.planning.disk import Disk, checkpoints_of, embeddings_of, logs_of
from trainer.planning.epochs import epochs_for
from trainer.planning.rates import Rate
from trainer.planning.weights import Weights


@dataclass(frozen=True)
class Amount:
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
class Habits:
    """What of a config has its price."""

    keep: int
    """Checkpoints, beside the best one."""
    log_every: int
    sharded: bool


@dataclass(frozen=True)
class Plan:
    ranks: int
    batch: Batch
    """Of each of them."""
    epochs: int
    epoch_steps: int
    head_bytes: int
    rank_bytes: int
    """On each card, before activations."""
    disk: Disk
    rate: Rate

    @property
    def global_batch(self) -> int:
        return self.ranks * self.batch.samples

    @property
    def steps(self) -> int:
        return self.epochs * self.epoch_steps

    @property
    def epoch_seconds(self) -> float:
        return self.epoch_steps * self.global_batch / self.rate.samples


def planned(amount: Amount, weights: Weights, habits: Habits, *, ranks: int, batch: Batch, rate: Rate) -> Plan:
    row = ranks * batch.samples
    epoch_steps = amount.samples // row
    if not epoch_steps:
        raise UsageError(
            f"{amount.samples:,} samples do not fill one row of {row:,}, which is {ranks:,} x {batch.micro:,} x "
            f"{batch.accumulation:,}. Plan with fewer or smaller cards."
        )
    epochs = epochs_for(amount.samples, epoch_steps)
    disk = Disk(
        dataset=amount.bytes,
        checkpoints=checkpoints_of(weights.checkpoint, habits.keep),
        embeddings=embeddings_of(amount.all_samples, weights.embedding),
        logs=logs_of(epochs * epoch_steps, habits.log_every),
    )
    on_rank = weights.on_card(ranks, sharded=habits.sharded)
    return Plan(ranks, batch, epochs, epoch_steps, weights.head, on_rank, disk, rate)
