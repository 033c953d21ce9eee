import numpy as np
import pytest

from synthetic.fingerprints.ridges import grow

SHAPE = (240, 240)


def grown(degrees: float, period: float) -> np.ndarray:
    angle = np.full(SHAPE, np.radians(degrees), np.float32)
    return grow(angle, np.full(SHAPE, period, np.float32), np.random.default_rng(3))


@pytest.mark.parametrize("degrees", [0, 33, 90, 150])
@pytest.mark.parametrize("period", [8.0, 10.0])
def test_ridges_follow_the_angle_at_the_period(degrees: float, period: float) -> None:
    """The phase advances by a turn a period, a quarter turn on from the ridge's own angle."""
    response = grown(degrees, period)
    x_step = np.median(np.angle(response[:, 1:] / response[:, :-1]))
    y_step = np.median(np.angle(response[1:] / response[:-1]))
    wave = complex(x_step, y_step)
    assert 2 * np.pi / abs(wave) == pytest.approx(period, rel=0.07)
    normal = np.exp(1j * np.radians(degrees + 90))
    assert np.degrees(np.angle(wave / normal)) == pytest.approx(0, abs=4)
