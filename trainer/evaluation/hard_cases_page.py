"""Page of hard cases: `index.html` with small PNGs, and `exclude.txt` for `shardkit pack --exclude`.

The page is one file without scripts or other resources. Only images that are shown are read, each once. PNGs have 8
bits, since they are there to recognize an image, and are written without an image library. The list has a key per line,
with its reason in a comment above. Each file appears complete.
"""

import struct
import zlib
from base64 import b64encode
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from html import escape
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

import shardkit
from shardkit import decode, publish
from trainer.evaluation.hard_cases import Mislabel, Pair, WorstPairs


@dataclass(frozen=True)
class PageImage:
    key: str
    group: str
    png: bytes


@dataclass(frozen=True)
class ShownPair:
    cosine: float
    one: PageImage
    other: PageImage


@dataclass(frozen=True)
class SuspectedMislabel:
    """A sample that may be of another subject."""

    picture: PageImage
    subject: str
    """Its own, as the dataset says."""
    own: float
    likely: str
    """The subject that it resembles most."""
    best: float

    @property
    def reason(self) -> str:
        return (
            f"mean score {self.own:.3f} to the rest of {self.subject}, {self.best:.3f} to {self.likely}: "
            f"a margin of {self.best - self.own:.3f}"
        )


@dataclass(frozen=True)
class HardCases:
    title: str
    mated: list[ShownPair]
    """The lowest score first."""
    non_mated: list[ShownPair]
    """The highest score first."""
    doubted: list[SuspectedMislabel]
    """The greatest margin first."""


_HEAD = (
    "Candidates for a wrong label: each resembles another subject more than its own.",
    "Look at them in index.html, and delete the lines of those that are right.",
    "Then: shardkit pack SOURCE OUT --exclude exclude.txt",
)


def format_exclusion(doubted: Sequence[SuspectedMislabel]) -> str:
    lines = [f"# {each}" for each in _HEAD]
    for each in doubted:
        lines += ["", f"# {each.reason}", each.picture.key]
    return "\n".join(lines) + "\n"


_SIGNATURE = b"\x89PNG\r\n\x1a\n"

_GRAY, _COLOR = 0, 2
"""What PNG calls them."""


def encode_png(pixels: NDArray[np.uint8]) -> bytes:
    """Of rows x columns, or rows x columns x 3."""
    height, width = pixels.shape[:2]
    rows = pixels.reshape(height, -1)
    lines = np.concatenate([np.zeros((height, 1), np.uint8), rows], axis=1).tobytes()  # a 0 before each: no filter
    header = struct.pack(">II5B", width, height, 8, _GRAY if pixels.ndim == 2 else _COLOR, 0, 0, 0)  # noqa: PLR2004
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(lines, 6)), (b"IEND", b""))
    return _SIGNATURE + b"".join(_chunk(*each) for each in chunks)


def _chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


MAX_IMAGE_SIDE = 256
"""Pixels of the longer side on the page; a smaller picture stays as it is."""

_DEEPEST = 255

_COLORS = 3


def sample_to_png(extension: str, content: bytes) -> bytes:
    """Of a sample as its shard holds it."""
    return encode_png(_eight_bits(_downscale(_flat(decode(extension, content)))))


def _flat(values: NDArray[np.generic]) -> NDArray[np.float64]:
    """Rows x columns, or with three colours; of anything else the first layer."""
    pixels: NDArray[np.float64] = np.nan_to_num(values.astype(np.float64))
    if pixels.ndim == _COLORS and pixels.shape[2] == _COLORS + 1:
        pixels = pixels[..., :_COLORS]
    flat = pixels.ndim == 2 or (pixels.ndim == _COLORS and pixels.shape[2] == _COLORS)  # noqa: PLR2004 - rows, columns
    return pixels if flat else np.atleast_2d(pixels.reshape(*pixels.shape[:2], -1)[..., 0])


def _downscale(pixels: NDArray[np.float64]) -> NDArray[np.float64]:
    """Means of squares, which a whole number of times go into it."""
    times = -(-max(pixels.shape[:2]) // MAX_IMAGE_SIDE)
    height, width = (max(side // times, 1) for side in pixels.shape[:2])
    cut = pixels[: height * times, : width * times]
    sides = height, len(cut) // height, width, cut.shape[1] // width
    means: NDArray[np.float64] = cut.reshape(*sides, *cut.shape[2:]).mean((1, 3))
    return means


def _eight_bits(pixels: NDArray[np.float64]) -> NDArray[np.uint8]:
    """As they are where they fit; else stretched from black to white."""
    low, high = float(pixels.min()), float(pixels.max())
    if low < 0 or high > _DEEPEST or high <= 1:
        pixels = (pixels - low) / ((high - low) or 1) * _DEEPEST
    return pixels.round().astype(np.uint8)


class SplitReader:
    """Of a dataset, with the samples in the order of the index."""

    def __init__(self, path: str | Path, generation: int | None, name: str, numbers: Sequence[int]) -> None:
        """`numbers` of the samples that were embedded: one of them may be missing, if it was damaged."""
        self._split, self._numbers = shardkit.open(path, generation)[name], numbers
        self._read = dict[int, PageImage]()

    def cases(self, title: str, worst: WorstPairs, doubted: Sequence[Mislabel]) -> HardCases:
        return HardCases(
            title,
            [self._pair(each) for each in worst.mated],
            [self._pair(each) for each in worst.non_mated],
            [self._doubted(each) for each in doubted],
        )

    @cached_property
    def _keys(self) -> list[str]:
        there = list(self._split)
        return [there[number] for number in self._numbers]

    def _pair(self, pair: Pair) -> ShownPair:
        return ShownPair(pair.cosine, self._picture(pair.one), self._picture(pair.other))

    def _doubted(self, each: Mislabel) -> SuspectedMislabel:
        own, like = (self._split.sample(self._keys[at]).subject for at in (each.sample, each.like))
        return SuspectedMislabel(self._picture(each.sample), own, each.own, like, each.best)

    def _picture(self, at: int) -> PageImage:
        if at not in self._read:
            record = self._split[self._keys[at]]
            png = sample_to_png(record.sample.image.ext, record.image)
            self._read[at] = PageImage(record.sample.key, record.sample.group, png)
        return self._read[at]


_STYLE = """
:root { color-scheme: light dark; --ink: light-dark(#222, #ddd); --faint: light-dark(#666, #999);
  --paper: light-dark(#fff, #181818); --edge: light-dark(#ddd, #333); }
body { margin: 2rem auto; max-width: 72rem; padding: 0 1rem; background: var(--paper); color: var(--ink);
  font: 15px/1.5 system-ui, sans-serif; }
h1, h2 { font-weight: 600; } h2 { margin-top: 2.5rem; }
p { max-width: 44rem; } small, figcaption { color: var(--faint); }
.cases { display: grid; grid-template-columns: repeat(auto-fill, minmax(20rem, 1fr)); gap: 1rem; }
.case { border: 1px solid var(--edge); border-radius: 6px; padding: .75rem; overflow-wrap: anywhere; }
.pictures { display: flex; gap: .75rem; } figure { margin: 0; flex: 1; }
img { width: 100%; max-width: 16rem; image-rendering: pixelated; background: #888; }
"""

_FOREWORD = (
    "These are candidates, to be looked at by people: a hard case may be a bad picture, a wrong label or a network "
    "that has more to learn. A cosine of 1 is the same direction, 0 is nothing in common."
)

_MATED = "Of one subject, as the dataset says, and scored as if they were of two. The lowest score comes first."

_NON_MATED = "Of two subjects, and scored as if they were of one. The highest score comes first."

_DOUBTED = (
    "Samples whose mean score to the rest of their own subject is below their mean score to another one. The greatest "
    "margin comes first. <code>exclude.txt</code> lists them for <code>shardkit pack --exclude</code>: delete the "
    "lines of those that are right."
)


def render_page(cases: HardCases) -> str:
    title = escape(cases.title)
    return "\n".join(
        [
            '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">',
            '<meta name="viewport" content="width=device-width">',
            f"<title>{title}</title><style>{_STYLE}</style></head><body>",
            f"<h1>{title}</h1><p>{_FOREWORD}</p>",
            *_section("Worst mated pairs", _MATED, map(_pair, cases.mated)),
            *_section("Worst non-mated pairs", _NON_MATED, map(_pair, cases.non_mated)),
            *_section("Likely mislabels", _DOUBTED, map(_doubted, cases.doubted)),
            "</body></html>\n",
        ]
    )


def _section(title: str, what: str, cards: Iterable[str]) -> Iterator[str]:
    yield f'<h2>{title}</h2><p>{what}</p><div class="cases">'
    yield from list(cards) or ["<small>There are none.</small>"]
    yield "</div>"


def _pair(pair: ShownPair) -> str:
    one, other = pair.one, pair.other
    akin = f" <small>both of group {escape(one.group)}</small>" if _twins(one, other) else ""
    return _card(f"<b>{pair.cosine:.4f}</b>{akin}", [one, other])


def _twins(one: PageImage, other: PageImage) -> bool:
    return one.group == other.group and one.key.partition("/")[0] != other.key.partition("/")[0]


def _doubted(each: SuspectedMislabel) -> str:
    return _card(f"<b>{each.best - each.own:.4f}</b> <small>{escape(each.reason)}</small>", [each.picture])


def _card(head: str, pictures: Iterable[PageImage]) -> str:
    return f'<div class="case">{head}<div class="pictures">{"".join(map(_figure, pictures))}</div></div>'


def _figure(picture: PageImage) -> str:
    key, content = escape(picture.key), b64encode(picture.png).decode()
    return f'<figure><img alt="{key}" src="data:image/png;base64,{content}"><figcaption>{key}</figcaption></figure>'


PAGE_FILE, EXCLUDE_FILE = "index.html", "exclude.txt"


def write_hard_cases(folder: Path, cases: HardCases) -> None:
    """The list comes first: the page points at it."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in ((EXCLUDE_FILE, format_exclusion(cases.doubted)), (PAGE_FILE, render_page(cases))):
        with publish(folder / name) as file:
            file.write(text.encode())
