"""Growing ridges: our filter, steered at every pixel, beside the usual bank of Gabor filters (docs/adr/0003).

Both run one pass over the same finger in the same process; the bank has 32 orientations and one period, ours as many of
both as there are pixels.
"""

import cv2
import numpy as np

from report import in_turn, publish_report, seconds
from synthetic.fields import Float
from synthetic.fingerprints.master import RIDGE_PERIOD, make_master
from synthetic.fingerprints.orientation import orientation
from synthetic.fingerprints.pattern import Pattern, draw_singularities
from synthetic.fingerprints.ridges import SIGMA_ACROSS, SIGMA_ALONG, SteeredGabor

SHAPE = (480, 400)
ORIENTATIONS = 32


def bank() -> list[Float]:
    reach = round(1.2 * RIDGE_PERIOD)
    y, x = np.mgrid[-reach : reach + 1, -reach : reach + 1].astype(np.float32)
    kernels = []
    for angle in np.arange(ORIENTATIONS) * np.pi / ORIENTATIONS:
        across, along = np.cos(angle) * y - np.sin(angle) * x, np.cos(angle) * x + np.sin(angle) * y
        reaches = (across / (SIGMA_ACROSS * RIDGE_PERIOD)) ** 2 + (along / (SIGMA_ALONG * RIDGE_PERIOD)) ** 2
        envelope = np.exp(-0.5 * reaches)
        kernel = envelope * np.cos(2 * np.pi * across / RIDGE_PERIOD)
        kernels.append(kernel - envelope * kernel.sum() / envelope.sum())
    return kernels


def filtered_by_bank(image: Float, angle: Float, kernels: list[Float]) -> Float:
    nearest = np.round(angle / np.pi * ORIENTATIONS).astype(int) % ORIENTATIONS
    out = np.zeros_like(image)
    for number, kernel in enumerate(kernels):
        there = nearest == number
        out[there] = cv2.filter2D(image, -1, kernel, borderType=cv2.BORDER_REFLECT_101)[there]
    return out


def main() -> None:
    cv2.setNumThreads(1)
    rng = np.random.default_rng(0)
    angle = orientation(Pattern.WHORL, draw_singularities(Pattern.WHORL, rng), SHAPE, rng)
    noise = rng.standard_normal(SHAPE, dtype=np.float32)
    kernels = bank()
    steered = SteeredGabor(angle, np.full(SHAPE, RIDGE_PERIOD, np.float32))
    of_bank, ours = in_turn(lambda: filtered_by_bank(noise, angle, kernels), lambda: steered.even(noise), repeats=9)
    publish_report(
        "ridges",
        {
            "bank of 32 filters, ms a pass": 1e3 * of_bank,
            "steered filter, ms a pass": 1e3 * ours,
            "bank / steered": of_bank / ours,
            "a whole finger, ms": 1e3 * seconds(lambda: make_master(0, 1, SHAPE)),
        },
    )


if __name__ == "__main__":
    main()
