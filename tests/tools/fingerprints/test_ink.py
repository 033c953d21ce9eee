"""What each term of a touch does to the picture, alone: against a touch that differs in it only, with the same seed."""

from dataclasses import replace

import cv2
import numpy as np
import pytest

from synthetic.fields import Float, Image
from synthetic.fingerprints.ink import Touch, contact, print_of
from synthetic.fingerprints.orientation import finger_grid

SHAPE = (240, 200)
PLAIN = Touch(
    middle=(0, 0),
    half_axes=(70, 90),
    pressure=0,
    dryness=0,
    scratches=0,
    contrast=150,
    background=225,
    blur=0.5,
    noise=0,
)
RIDGES = np.tile(np.cos(2 * np.pi / 9 * np.arange(SHAPE[1], dtype=np.float32)), (SHAPE[0], 1))
TOUCHED, BARE = np.ones(SHAPE, np.float32), np.zeros(SHAPE, np.float32)


def printed(ridges: Float = RIDGES, firmness: Float = TOUCHED, **terms: float) -> Image:
    return print_of(ridges, firmness, replace(PLAIN, **terms), np.random.default_rng(0))  # type: ignore[arg-type]


def dark(image: Image) -> float:
    """The share of the picture that is nearer to ink than to the background."""
    return float((image < PLAIN.background - PLAIN.contrast / 2).mean())


def pieces(image: Image) -> int:
    return cv2.connectedComponents((image < PLAIN.background - PLAIN.contrast / 2).astype(np.uint8))[0] - 1


def test_ridges_are_dark_and_valleys_bright() -> None:
    image = printed()
    assert np.median(image[RIDGES > 0.9]) == pytest.approx(225 - 150, abs=15)
    assert np.median(image[RIDGES < -0.9]) == pytest.approx(225, abs=15)


def test_where_nothing_touches_the_sensor_stays_bare() -> None:
    bare = printed(firmness=BARE)
    assert np.array_equal(bare, printed(firmness=BARE, pressure=0.5, dryness=0.9))
    assert bare.min() > 195


def test_scratches_lighten_what_touches() -> None:
    skin = np.ones(SHAPE, np.float32)
    unbroken, scratched = printed(skin), printed(skin, scratches=6)
    assert dark(unbroken) == 1
    assert 0.9 < dark(scratched) < 0.99
    # Almost nothing is left of the ink in the middle of a wide scratch.
    assert scratched.max() > 225 - 0.3 * 150


def test_scratches_change_nothing_outside_the_contact() -> None:
    # So saturated that the light's own unevenness does not show: what shows would be a scratch.
    assert printed(firmness=BARE, scratches=60, background=300, contrast=2_000).min() == 255


def test_dryness_lowers_and_breaks_what_is_dark() -> None:
    moist, half, dry = (printed(dryness=dryness) for dryness in (0, 0.5, 1))
    assert dark(moist) > dark(half) + 0.03 > dark(dry) + 0.06
    assert pieces(moist) < pieces(half) < pieces(dry)


def test_pressure_widens_ridges() -> None:
    light, even, firm = (dark(printed(pressure=pressure)) for pressure in (-0.4, 0, 0.4))
    assert light + 0.08 < even < firm - 0.08


def test_ridges_are_not_of_one_width_everywhere() -> None:
    widths = (printed() < 150).reshape(8, 30, 8, 25).mean(axis=(1, 3))
    assert widths.std() > 0.03


def test_contrast_is_how_dark_ink_is() -> None:
    faint, strong = (printed(np.ones(SHAPE, np.float32), contrast=contrast).mean() for contrast in (100, 150))
    assert faint - strong == pytest.approx(50, abs=1)


def test_background_is_how_bright_the_bare_sensor_is() -> None:
    dim, bright = (printed(firmness=BARE, background=background).mean() for background in (150, 190))
    assert bright - dim == pytest.approx(40, abs=0.5)


def test_a_saturated_sensor_is_plain_white() -> None:
    assert printed(firmness=BARE, background=290).min() == 255


def test_light_is_uneven() -> None:
    assert 2 < printed(firmness=BARE, background=150).std() < 8


@pytest.mark.parametrize("noise", [1, 4])
def test_noise_is_grain_from_pixel_to_pixel(noise: float) -> None:
    clean, grainy = (printed(firmness=BARE, background=150, noise=each).astype(float) for each in (0, noise))
    assert (grainy - clean).std() == pytest.approx(noise, rel=0.15)
    assert (np.diff(grainy) - np.diff(clean)).std() == pytest.approx(noise * np.sqrt(2), rel=0.15)


def test_blur_softens_edges() -> None:
    sharp, soft = (np.abs(np.diff(printed(blur=blur).astype(int))).max(axis=1).mean() for blur in (0.5, 0.9))
    assert soft < 0.9 * sharp


def test_the_contact_is_an_oval_around_its_middle() -> None:
    x, y = finger_grid(SHAPE)
    firmness = contact(replace(PLAIN, middle=(15, -10)), SHAPE, np.random.default_rng(0))
    away = np.hypot((x - 15) / 70, (y + 10) / 90)
    assert firmness[away < 0.85].min() > 0.99
    assert firmness[away > 1.15].max() < 0.01


def test_the_contact_has_a_ragged_edge() -> None:
    x, y = finger_grid(SHAPE)
    firmness = contact(PLAIN, SHAPE, np.random.default_rng(0))
    away = np.hypot(x / 70, y / 90)
    reach = [away[(firmness > 0.5) & (np.round(np.arctan2(y, x) * 8) == turn)].max() for turn in range(-25, 26)]
    assert 0.015 < np.std(reach) < 0.08
