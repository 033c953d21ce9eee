"""What each codec makes of realistic prints: bytes, and milliseconds to decode one on one thread."""

from pathlib import Path

from commands import run
from places import TOOLS, scratch
from report import publish_report, seconds
from shardkit.image.codec import decode, encode
from shardkit.image.formats import CODEC_EXTENSION, Codec
from shardkit.image.png.decode import decode_png
from shardkit.image.png.structure import inspect

SUBJECTS, IMPRESSIONS, SIZE = 8, 8, "512x512"
CODECS: tuple[Codec, ...] = ("zstd", "lz4", "raw")


def sources(room: Path) -> list[bytes]:
    options = ["--subjects", SUBJECTS, "--impressions", IMPRESSIONS, "--size", SIZE]
    run(["python", str(TOOLS / "make_fingerprints.py"), str(room / "fingers"), *map(str, options)])
    return [path.read_bytes() for path in sorted((room / "fingers").rglob("*.png"))]


def main() -> None:
    with scratch() as room:
        images = sources(room)
    pixels = [decode_png(image, inspect(image)) for image in images]
    stored = {"png": images} | {codec: [encode(each, codec) for each in pixels] for codec in CODECS}
    figures: dict[str, float] = {}
    for codec, samples in stored.items():
        ending = CODEC_EXTENSION[codec]  # type: ignore[index]  # the keys are codecs
        took = seconds(lambda: [decode(ending, each) for each in samples], repeats=5)  # noqa: B023 - called at once
        figures[f"{codec}, KB an image"] = sum(map(len, samples)) / len(samples) / 1e3
        figures[f"{codec}, ms to decode"] = 1e3 * took / len(samples)
    publish_report("pixel_codecs", figures)


if __name__ == "__main__":
    main()
