"""How fingers meet the glass: each field of a touch spreads as far as it says; some contacts are partial."""

from collections.abc import Callable

import numpy as np
import pytest

from synthetic.fingerprints.ink import PAD_HALF, Touch, draw_touch

SHAPE = (400, 320)
SHIFT = (5.0, 7.0)
DRAWS = 2_000
WIDTH, HEIGHT = 0.46 * SHAPE[1], 0.46 * SHAPE[0]


@pytest.fixture(scope="module")
def touches() -> list[Touch]:
    rng = np.random.default_rng(0)
    return [draw_touch(rng, SHAPE, SHIFT) for _ in range(DRAWS)]


@pytest.mark.parametrize(
    ("field", "mean", "spread"),
    [
        (lambda touch: touch.pressure, 0, 0.22),
        (lambda touch: touch.dryness, 0.231, 0.154),
        (lambda touch: touch.scratches, 0.8, 0.894),
        (lambda touch: touch.contrast, 152.5, 65 / 12**0.5),
        (lambda touch: touch.background, 250, 50 / 12**0.5),
        (lambda touch: touch.blur, 0.7, 0.4 / 12**0.5),
        (lambda touch: touch.noise, 2.5, 3 / 12**0.5),
        (lambda touch: touch.half_axes[0] / WIDTH, 1, 0.066),
        (lambda touch: touch.half_axes[1] / HEIGHT, 1, 0.066),
    ],
)
def test_each_field_spreads_around_its_mean(
    touches: list[Touch], field: Callable[[Touch], float], mean: float, spread: float
) -> None:
    drawn = np.array([field(touch) for touch in touches])
    assert drawn.mean() == pytest.approx(mean, abs=4 * spread / np.sqrt(DRAWS))
    assert drawn.std() == pytest.approx(spread, rel=0.08)


def test_every_field_stays_within_what_can_be_printed(touches: list[Touch]) -> None:
    for touch in touches:
        assert 0 <= touch.dryness <= 1
        assert touch.scratches >= 0
        assert 120 <= touch.contrast <= 185
        assert 225 <= touch.background <= 275
        assert 0.5 <= touch.blur <= 0.9
        assert 1 <= touch.noise <= 4
        assert 0.86 * WIDTH <= touch.half_axes[0] <= 1.105 * WIDTH
        assert 0.86 * HEIGHT <= touch.half_axes[1] <= 1.105 * HEIGHT


def test_one_contact_in_six_is_partial(touches: list[Touch]) -> None:
    """Its middle lies up to half the pad off, where all others lie close to where the finger was put down."""
    off = np.abs(np.array([touch.middle for touch in touches]) - SHIFT) / (WIDTH, HEIGHT)
    partial = off.max(axis=1) > 0.08
    # One that is off by less on both sides is not seen here.
    share = (1 - 0.16**2) / 6
    assert partial.mean() == pytest.approx(share, abs=4 * np.sqrt(share * (1 - share) / DRAWS))
    assert 0.45 < off.max() <= 0.5


def test_a_pad_is_no_larger_than_a_finger_on_the_largest_sensor() -> None:
    rng = np.random.default_rng(0)
    axes = np.array([draw_touch(rng, (2_000, 2_000), (0, 0)).half_axes for _ in range(200)])
    assert np.median(axes, axis=0) == pytest.approx(PAD_HALF, rel=0.02)
