"""Decoded samples a second: our stream, with each codec, beside the loaders that others use, and beside a mere memcpy.

All read the same 4 000 grown prints from the page cache, shuffled, into batches of 64, on two cores. FFCV stores raw
pixels; every other peer reads the PNGs, which OpenCV decodes for it.
"""

from pathlib import Path

from peers import found
from places import scratch
from reading import (
    ENERGON,
    FFCV,
    FILES,
    LITDATA,
    MOSAICML,
    SPDL,
    WEBDATASET,
    Reader,
    ours,
    packed,
    pin,
    readers_of_peers,
    speeds,
)
from report import publish_report
from trees import grown_fingerprints

IMAGES = 4_000
PIXELS = 512 * 512
COMPARED, TURNS = (FILES, WEBDATASET, FFCV), 2
OTHERS = (MOSAICML, LITDATA, ENERGON, SPDL)  # no ratio is taken to them: once is enough
CODECS = ("png", "zstd", "lz4", "auto", "raw")
LIMIT = "memcpy"
BESIDE = {
    "png": (WEBDATASET, FILES),
    "zstd": (WEBDATASET, FFCV),
    "lz4": (WEBDATASET, FFCV),
    "auto": (WEBDATASET, FFCV),
    "raw": (WEBDATASET, FFCV, LIMIT),
}


def readers_of_ours(tree: Path, room: Path) -> dict[str, Reader]:
    streams = {codec: packed(tree, room / codec, "--codec", codec) for codec in CODECS}
    return streams | {LIMIT: Reader(ours("copy_pages", room / "raw", PIXELS), room / "raw")}


def ratios(best: dict[str, float], sizes: dict[str, float]) -> dict[str, float]:
    beside = [(codec, other) for codec, others in BESIDE.items() for other in others if other in best]
    faster = {f"{codec} / {other}": best[codec] / best[other] for codec, other in beside}
    smaller = {f"bytes: {codec} / {FFCV}": sizes[codec] / sizes[FFCV] for codec in CODECS if FFCV in sizes}
    return faster | smaller


def main() -> None:
    peers = found()
    tree = grown_fingerprints(IMAGES)
    pin()
    with scratch() as room:
        others = readers_of_peers(OTHERS, peers, tree, room, "decode")
        compared = readers_of_peers(COMPARED, peers, tree, room, "decode") | readers_of_ours(tree, room)
        sizes = {name: reader.megabytes for name, reader in (others | compared).items()}
        best = speeds(others, PIXELS, 1) | speeds(compared, PIXELS, TURNS)
    figures = {f"{name}, samples a second": speed for name, speed in best.items()}
    figures |= {f"{name}, MB": size for name, size in sizes.items()}
    publish_report("readers", figures | ratios(best, sizes), peers=peers)


if __name__ == "__main__":
    main()
