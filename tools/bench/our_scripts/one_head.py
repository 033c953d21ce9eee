"""A head's forward and backward, in a process of its own: prints seconds a micro-batch, and megabytes at its peak.

Usage: one_head.py whole|blocks CLASSES EMBEDDING BATCH SHARE
"""

import resource
import sys
import time
from collections.abc import Callable

import torch

from trainer.config.schema import System
from trainer.distributed.step_stats import NegativeSampler
from trainer.distributed.world import World, distributed_session
from trainer.heads.margin import CrossEntropy, make_head, make_margin
from trainer.heads.partial_fc import PartialFCHead

TURNS = 3

Turn = Callable[[torch.Tensor, torch.Tensor], None]


def main() -> None:
    kind, classes, embedding, batch, share = sys.argv[1], *map(int, sys.argv[2:5]), float(sys.argv[5])
    torch.set_num_threads(1)
    with distributed_session(System(device="cpu")) as world:
        torch.manual_seed(world.rank)
        units, labels = torch.randn(batch, embedding), torch.randint(classes, (batch,))
        before = _peak()
        turn = _whole(classes, embedding) if kind == "whole" else _blocks(classes, embedding, share, world)
        turn(units, labels)  # memory and kernels are there from now on
        began = time.perf_counter()
        for _ in range(TURNS):
            turn(units, labels)
        spent = (time.perf_counter() - began) / TURNS
        if world.is_main:
            print(spent, _peak() - before)


def _whole(classes: int, embedding: int) -> Turn:
    own, loss = make_head("cosface", embedding=embedding, classes=classes, margin=0.1, scale=30.0), CrossEntropy(0.0)

    def turn(units: torch.Tensor, labels: torch.Tensor) -> None:
        own.zero_grad()
        loss(own(units.requires_grad_(), labels), labels).mean().backward()

    return turn


def _blocks(classes: int, embedding: int, share: float, world: World) -> Turn:
    own = PartialFCHead(embedding, classes, make_margin("cosface", 0.1), 30.0, world, lambda block: block)
    drawn = NegativeSampler(own, world, 0, share)

    def turn(units: torch.Tensor, labels: torch.Tensor) -> None:
        own.zero_grad()
        drawn.draw(labels, 0)
        own(units.requires_grad_(), labels).mean().backward()

    return turn


def _peak() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


if __name__ == "__main__":
    main()
