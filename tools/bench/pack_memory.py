"""How much memory `shardkit pack` takes for more and more samples: it should not depend on how many there are."""

from pathlib import Path

from commands import run
from memory import peak_of_children
from places import SHARDKIT, scratch
from report import publish_report
from trees import noise

# One image needs what is always needed: the interpreter, its imports, the buffers.
IMAGES_A_SHARD = 1_350
IMAGES = (1, 1_000, 10_000, 50_000)


def peak(images: int) -> float:
    with scratch() as room:
        noise(room / "tree", images)
        return peak_of_children(lambda: _pack(room))


def _pack(room: Path) -> None:
    """In shards of as many images as 256 MB hold of prints: what a shard holds is in memory while it is made."""
    images = room / "tree"
    size = sum(path.stat().st_size for path in images.rglob("*.png")) // max(1, sum(1 for _ in images.rglob("*.png")))
    run([SHARDKIT, "pack", str(images), str(room / "dataset"), "--shard-size", str(size * IMAGES_A_SHARD)])


def main() -> None:
    peaks = {images: peak(images) for images in IMAGES}
    base = peaks[IMAGES[0]]
    rows = {f"peak of all processes, {images:,} images, MB": each for images, each in peaks.items()}
    rows |= {f"of it above one image, {images:,} images, MB": peaks[images] - base for images in IMAGES[1:]}
    publish_report("pack_memory", rows)


if __name__ == "__main__":
    main()
