"""Inception-v4 up to its last maps, as published (Szegedy and others, 2016): the trunk of DeepPrint.

At 299 x 299 its maps are 35 x 35 behind the stem, and 17 x 17 and 8 x 8 behind the two reductions.
"""

from functools import partial

from torch import nn

from trainer.models.chains import Chain, Conv, Pool, fork

LEAST = 75
"""Pixels of a side: of fewer nothing is left behind the second reduction."""

ONE, THREE, ALONG, DOWN = (1, 1), (3, 3), (1, 7), (7, 1)
MEAN = Pool(partial(nn.AvgPool2d, 3, 1, 1, count_include_pad=False))
HALF = Pool(partial(nn.MaxPool2d, 3, 2))


def halving(channels: int) -> Conv:
    return Conv(channels, THREE, 2, padded=False)


def inner(channels: int) -> Conv:
    """Only where the picture is all around it."""
    return Conv(channels, THREE, padded=False)


STEM = Chain(
    (
        halving(32),
        inner(32),
        Conv(64, THREE),
        fork((HALF,), (halving(96),)),
        fork((Conv(64, ONE), inner(96)), (Conv(64, ONE), Conv(64, ALONG), Conv(64, DOWN), inner(96))),
        fork((halving(192),), (HALF,)),
    )
)

A = fork(
    (Conv(96, ONE),),
    (Conv(64, ONE), Conv(96, THREE)),
    (Conv(64, ONE), Conv(96, THREE), Conv(96, THREE)),
    (MEAN, Conv(96, ONE)),
)

REDUCE_A = fork((halving(384),), (Conv(192, ONE), Conv(224, THREE), halving(256)), (HALF,))

B = fork(
    (Conv(384, ONE),),
    (Conv(192, ONE), Conv(224, ALONG), Conv(256, DOWN)),
    (Conv(192, ONE), Conv(192, DOWN), Conv(224, ALONG), Conv(224, DOWN), Conv(256, ALONG)),
    (MEAN, Conv(128, ONE)),
)

REDUCE_B = fork(
    (Conv(192, ONE), halving(192)),
    (Conv(256, ONE), Conv(256, ALONG), Conv(320, DOWN), halving(320)),
    (HALF,),
)

CROSSED = fork((Conv(256, (1, 3)),), (Conv(256, (3, 1)),))

C = fork(
    (Conv(256, ONE),),
    (Conv(384, ONE), CROSSED),
    (Conv(384, ONE), Conv(448, (3, 1)), Conv(512, (1, 3)), CROSSED),
    (MEAN, Conv(256, ONE)),
)

BEHIND_STEM = Chain((A,) * 4 + (REDUCE_A,) + (B,) * 7 + (REDUCE_B,) + (C,) * 3)
