"""Trees to pack: cheap fingerprints of 512 x 512, made once and kept, and tiny noise by the ten thousand, made anew."""

import sys
from pathlib import Path

import cv2
import numpy as np

from commands import run
from places import KEPT, TOOLS

IMPRESSIONS = 10
TINY = (16, 16)


def fingerprints(images: int) -> Path:
    """Nothing but PNGs: peers store no sidecars, so there are none to store."""
    tree, made = KEPT / f"f512-{images}", KEPT / f"f512-{images}.making"
    if not tree.exists():
        options = [
            "--subjects",
            str(images // IMPRESSIONS),
            "--impressions",
            str(IMPRESSIONS),
            "--size",
            "512",
            "--cheap",
        ]
        run([sys.executable, str(TOOLS / "make_fingerprints.py"), str(made), *options])
        for other in [path for path in made.rglob("*") if path.is_file() and path.suffix != ".png"]:
            other.unlink()
        made.rename(tree)
    return tree


def noise(tree: Path, images: int) -> None:
    """Each image differs from all others, so that nothing about duplicates has to be remembered or said."""
    rng = np.random.default_rng(0)
    for number in range(images):
        subject, impression = divmod(number, IMPRESSIONS)
        folder = tree / f"subject_{subject:06}"
        folder.mkdir(parents=True, exist_ok=True)
        _, png = cv2.imencode(".png", rng.integers(256, size=TINY, dtype=np.uint8))
        (folder / f"impression_{impression:02}.png").write_bytes(png.tobytes())
