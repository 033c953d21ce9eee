"""LitData's optimize as its documentation shows it, chunks of 64 MB, with the encoded bytes instead of a picture."""

from pathlib import Path

from litdata import optimize

from peer_scripts.images import WORKERS, LabelledImage, timed


def sample(image: LabelledImage) -> dict[str, object]:
    return {"image": image.path.read_bytes(), "label": image.label}


def write(images: list[LabelledImage], out: Path) -> None:
    optimize(fn=sample, inputs=images, output_dir=str(out), chunk_bytes="64MB", num_workers=WORKERS)


if __name__ == "__main__":
    timed(write)
