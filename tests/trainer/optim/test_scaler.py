"""Mistake 5 of the guides: the scale of fp16 is part of a checkpoint, and moves by torch's own rule."""

import torch
from hypothesis import given
from hypothesis import strategies as st

from trainer.optim import LossScaler


@given(st.lists(st.booleans(), max_size=40))
def test_it_moves_as_torchs_own(finite: list[bool]) -> None:
    ours, theirs = LossScaler(1024.0, 3), torch.amp.GradScaler("cpu", init_scale=1024.0, growth_interval=3)
    weight = torch.nn.Parameter(torch.zeros(1))
    optimizer = torch.optim.SGD([weight], lr=0.0)
    for each in finite:
        weight.grad = torch.ones(1) if each else torch.full((1,), float("inf"))
        theirs.scale(torch.zeros(1))  # it makes its tensors here
        theirs.step(optimizer)
        theirs.update()
        ours.update(each)
        assert ours.scale == theirs.get_scale()
