"""A little dataset to learn from: each subject a smooth pattern of its own, each impression moved and noisy."""

from pathlib import Path

import cv2
import numpy as np

from shardkit.cli.commands.pack import pack

SIDE = 32


def tree(root: Path, subjects: int, impressions: int) -> Path:
    for subject in range(subjects):
        pattern = _pattern(subject)
        for impression in range(impressions):
            path = root / f"{subject:03d}" / f"{impression:02d}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            cv2.imwrite(str(path), _impression(pattern, subject * impressions + impression))
    return root


def packed(root: Path, subjects: int = 24, impressions: int = 4, split: str = "train=0.7,val=0.3") -> Path:
    """Packed as a user would; a few small shards."""
    source, folder = root / "source", root / "packed"
    tree(source, subjects, impressions)
    options = ["--split", split, "--codec", "raw", "--shard-size", "8KB", "--workers", "1"]
    pack.main([str(source), str(folder), *options], standalone_mode=False)
    return folder


def _pattern(subject: int) -> np.ndarray:
    coarse = np.random.default_rng(subject).uniform(0, 255, (5, 5)).astype(np.float32)
    return cv2.resize(coarse, (SIDE + 8, SIDE + 8), interpolation=cv2.INTER_CUBIC)


def _impression(pattern: np.ndarray, number: int) -> np.ndarray:
    rng = np.random.default_rng(10_000 + number)
    row, column = rng.integers(0, 8, 2)
    image = pattern[row : row + SIDE, column : column + SIDE] + rng.normal(0, 12, (SIDE, SIDE))
    return image.clip(0, 255).astype(np.uint8)
