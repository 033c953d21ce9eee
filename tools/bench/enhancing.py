"""Ridge enhancement in its two places: once a sample when packing, or in every epoch on the device that trains.

The same prints and the same bank, 16 orientations at three scales, whose pictures are equal byte for byte; one thread
each, in turn. The device is the CPU here; with a GPU it is measured there, too.
"""

import cv2
import numpy as np
import torch

from report import in_turn, publish_report
from shardkit.image.enhance import enhance_ridges
from synthetic.fingerprints.cheap import CheapPrint
from trainer.augment.gabor import RidgeEnhancer
from trainer.augment.pipeline import downscale

SHAPES = ((512, 512), (400, 320))
PRINTS, TURNS = 4, 9
PERIOD = 10.0
"""Pixels from ridge to ridge: what pack takes them to be."""


def main() -> None:
    cv2.setNumThreads(1)
    torch.set_num_threads(1)
    devices = ["cpu", *(["cuda"] if torch.cuda.is_available() else [])]
    figures: dict[str, float] = {}
    for shape in SHAPES:
        prints = np.stack([CheapPrint(0, number, shape).impression(0) for number in range(PRINTS)])
        for device in devices:
            figures |= _measured(prints, torch.device(device))
    publish_report("enhancing", figures)


def _measured(prints: np.ndarray, device: torch.device) -> dict[str, float]:
    images, bank = torch.from_numpy(prints)[:, None].to(device), RidgeEnhancer(PERIOD)

    def by_pack() -> np.ndarray:
        return np.stack([enhance_ridges(each) for each in prints])

    def in_training() -> np.ndarray:
        shown: np.ndarray = (bank(downscale(images, 1)) * 255).round().to(torch.uint8)[:, 0].cpu().numpy()
        return shown

    assert np.array_equal(by_pack(), in_training()), "both show the same"
    pack, training = (1e3 * each / len(prints) for each in in_turn(by_pack, in_training, repeats=TURNS))
    of = f"{prints.shape[1]} x {prints.shape[2]}, ms a sample"
    return {f"{of}: pack": pack, f"{of}: training, {device.type}": training, f"{of}: training / pack": training / pack}


if __name__ == "__main__":
    main()
