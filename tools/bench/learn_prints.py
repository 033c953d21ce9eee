"""Can a network learn these fingers? A small one, trained for some minutes, is judged on fingers that it never saw.

And what does an untrained one reach? On grown prints little more than chance; on cheap prints far more, which is why
results on those prove nothing. This is no model of the trainer, only a question to the data.
"""

import sys
from itertools import combinations

import cv2
import numpy as np
import torch
from torch import nn
from torch.nn import functional

from report import publish_report
from synthetic.fields import Float, Image
from synthetic.fingerprints.cheap import CheapPrint
from synthetic.fingerprints.impression import make_impression
from synthetic.fingerprints.judgement import Scores
from synthetic.fingerprints.master import make_master, master_shape

SHAPE, CROP = (400, 320), (320, 256)
TRAINED, HELD_OUT, IMPRESSIONS = 150, 50, 6
STEPS, BATCH, SEED = 800, 64, 0


class Block(nn.Module):
    """A residual block that halves the picture."""

    def __init__(self, channels: int, out: int) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(channels, out, 3, stride=2, padding=1, bias=False),
            nn.BatchNorm2d(out),
            nn.ReLU(),
            nn.Conv2d(out, out, 3, padding=1, bias=False),
            nn.BatchNorm2d(out),
        )
        self.skip = nn.Conv2d(channels, out, 1, stride=2)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return functional.relu(self.body(x) + self.skip(x))


def network() -> nn.Module:
    torch.manual_seed(SEED)
    stem = nn.Sequential(nn.Conv2d(1, 16, 5, stride=2, padding=2), nn.BatchNorm2d(16), nn.ReLU())
    blocks = (Block(16, 16), Block(16, 32), Block(32, 64), Block(64, 128))
    return nn.Sequential(stem, *blocks, nn.AdaptiveAvgPool2d((2, 2)), nn.Flatten(), nn.Linear(512, 128))


def finger(subject: int) -> Float:
    grown = make_master(SEED, subject, master_shape(*SHAPE))
    return _inputs([make_impression(grown, SEED, subject, number, SHAPE).image for number in range(IMPRESSIONS)])


def cheap_finger(subject: int) -> Float:
    cheap = CheapPrint(SEED, subject, SHAPE)
    return _inputs([cheap.impression(number) for number in range(IMPRESSIONS)])


def _inputs(images: list[Image]) -> Float:
    """The middle at half resolution, dark ridges high, between -1 and 1."""
    top, left = ((whole - part) // 2 for whole, part in zip(SHAPE, CROP, strict=True))
    middles = [image[top : top + CROP[0], left : left + CROP[1]] for image in images]
    halves = [cv2.resize(each_one, (CROP[1] // 2, CROP[0] // 2), interpolation=cv2.INTER_AREA) for each_one in middles]
    return (1 - np.stack(halves).astype(np.float32) / 127.5)[:, None]


def equal_error_rate(model: nn.Module, fingers: list[Float]) -> float:
    model.eval()
    with torch.inference_mode():
        embedded = [functional.normalize(model(torch.from_numpy(prints))).numpy() for prints in fingers]
    mated = [float(one @ other) for prints in embedded for one, other in combinations(prints, 2)]
    others = np.concatenate([(one @ other.T).ravel() for one, other in combinations(embedded, 2)])
    return Scores(np.sort(mated), np.sort(others)).equal_error_rate


def train(model: nn.Module, fingers: list[Float]) -> None:
    """Classification with a margin (CosFace): a class a finger."""
    pictures = torch.from_numpy(np.concatenate(fingers))
    labels = torch.arange(len(fingers)).repeat_interleave(IMPRESSIONS)
    classes = nn.Parameter(torch.randn(len(fingers), 128) * 0.1)
    optimiser = torch.optim.AdamW([*model.parameters(), classes], lr=3e-3, weight_decay=0.05)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, 3e-3, total_steps=STEPS)
    model.train()
    for step in range(STEPS):
        chosen = torch.randint(len(pictures), (BATCH,))
        cosine = functional.normalize(model(_augmented(pictures[chosen]))) @ functional.normalize(classes).T
        margin = 0.1 * min(1.0, 2 * step / STEPS) * functional.one_hot(labels[chosen], len(fingers))
        loss = functional.cross_entropy(24 * (cosine - margin), labels[chosen])
        optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]  # torch's own stub
        optimiser.step()
        schedule.step()
        if step % 50 == 0:
            print(f"step {step}: loss {loss.item():.3f}", file=sys.stderr)


def _augmented(pictures: torch.Tensor) -> torch.Tensor:
    """Turned by up to 15 degrees and shifted a little, each picture by its own draw."""
    angle = (torch.rand(len(pictures)) - 0.5) * np.radians(30)
    shift = (torch.rand(len(pictures), 2) - 0.5) * 0.2
    cosine, sine = angle.cos(), angle.sin()
    rows = (torch.stack([cosine, -sine, shift[:, 0]], 1), torch.stack([sine, cosine, shift[:, 1]], 1))
    grid = functional.affine_grid(torch.stack(rows, 1), list(pictures.shape), align_corners=False)
    return functional.grid_sample(pictures, grid, padding_mode="border", align_corners=False)


def main() -> None:
    fingers = list(map(finger, range(TRAINED + HELD_OUT)))
    held_out, model = fingers[TRAINED:], network()
    cheap = [cheap_finger(subject) for subject in range(HELD_OUT)]
    figures = {
        "EER in % of an untrained network, cheap prints": 100 * equal_error_rate(model, cheap),
        "EER in % of an untrained network, held-out fingers": 100 * equal_error_rate(model, held_out),
    }
    train(model, fingers[:TRAINED])
    figures[f"EER in % after {STEPS} steps on {TRAINED} other fingers"] = 100 * equal_error_rate(model, held_out)
    publish_report("learn_prints", figures)


if __name__ == "__main__":
    main()
