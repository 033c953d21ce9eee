"""PNGs of every kind, bombs, and damaged ones, written by hand: no library writes all, nor may one judge itself."""

import struct
import zlib
from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import cache

import numpy as np
from numpy.typing import NDArray

SIGNATURE = b"\x89PNG\r\n\x1a\n"
GRAY, RGB, PALETTE, GRAY_ALPHA, RGB_ALPHA = 0, 2, 3, 4, 6
SAMPLES = {GRAY: 1, RGB: 3, PALETTE: 1, GRAY_ALPHA: 2, RGB_ALPHA: 4}
ADAM7 = ((0, 0, 8, 8), (0, 4, 8, 8), (4, 0, 8, 4), (0, 2, 4, 4), (2, 0, 4, 2), (0, 1, 2, 2), (1, 0, 2, 1))
BOMB_BYTES = 2**26

Array = NDArray[np.uint8] | NDArray[np.uint16]


@dataclass(frozen=True)
class Recipe:
    color: int
    depth: int
    transparent: bool = False
    interlaced: bool = False
    animated: bool = False


_BASES = {
    **{f"gray{depth}": Recipe(GRAY, depth) for depth in (1, 2, 4, 8, 16)},
    **{f"palette{depth}": Recipe(PALETTE, depth) for depth in (1, 2, 4, 8)},
    **{f"rgb{depth}": Recipe(RGB, depth) for depth in (8, 16)},
    **{f"gray-alpha{depth}": Recipe(GRAY_ALPHA, depth) for depth in (8, 16)},
    **{f"rgb-alpha{depth}": Recipe(RGB_ALPHA, depth) for depth in (8, 16)},
}
_TRANSPARENT = {
    f"{name}-transparent": replace(recipe, transparent=True)
    for name, recipe in _BASES.items()
    if recipe.color in (GRAY, RGB, PALETTE)
}
KINDS = {
    **_BASES,
    **_TRANSPARENT,
    **{f"{name}-interlaced": replace(recipe, interlaced=True) for name, recipe in {**_BASES, **_TRANSPARENT}.items()},
    "animated": Recipe(GRAY, 8, animated=True),
}
EVERY_FILTER = (0, 1, 2, 3, 4)


def png(
    kind: str = "gray8",
    shape: tuple[int, int] = (13, 11),
    *,
    seed: int = 0,
    filters: Iterable[int] = EVERY_FILTER,
    orientation: int | None = None,
    idat_bytes: int = 100,
) -> bytes:
    """A PNG with random pixels; `filters` are taken in turn, line by line."""
    recipe = KINDS[kind]
    chunks = [chunk(b"IHDR", header(recipe, shape))]
    if recipe.animated:
        chunks += [chunk(b"acTL", struct.pack(">II", 1, 0)), chunk(b"fcTL", _frame(shape))]
    if orientation is not None:
        chunks.append(chunk(b"eXIf", exif(orientation)))
    if recipe.color == PALETTE:
        chunks.append(chunk(b"PLTE", _palette(recipe).tobytes()))
    if recipe.transparent:
        chunks.append(chunk(b"tRNS", _transparency(recipe, _numbers(recipe, shape, seed))))
    packed = zlib.compress(filtered(recipe, _numbers(recipe, shape, seed), tuple(filters)))
    chunks += [chunk(b"IDAT", packed[at : at + idat_bytes]) for at in range(0, len(packed), idat_bytes)]
    return b"".join([SIGNATURE, *chunks, chunk(b"IEND", b"")])


def pixels(kind: str = "gray8", shape: tuple[int, int] = (13, 11), *, seed: int = 0) -> Array:
    """What decoding that PNG must give."""
    recipe = KINDS[kind]
    numbers = _numbers(recipe, shape, seed)
    rows, columns = shape
    shown = np.array([[_shown(recipe, numbers, row, column) for column in range(columns)] for row in range(rows)])
    return _typed(recipe, shown[..., 0] if shown.shape[2] == 1 else shown)


def chunk(name: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))


def header(recipe: Recipe, shape: tuple[int, int]) -> bytes:
    return struct.pack(">IIBBBBB", shape[1], shape[0], recipe.depth, recipe.color, 0, 0, recipe.interlaced)


def exif(orientation: int, order: str = "<") -> bytes:
    magic = b"II*\0" if order == "<" else b"MM\0*"
    return magic + struct.pack(f"{order}IHHHIHHI", 8, 1, 0x0112, 3, 1, orientation, 0, 0)


def filtered(recipe: Recipe, numbers: Array, filters: tuple[int, ...]) -> bytes:
    passes = ADAM7 if recipe.interlaced else ((0, 0, 1, 1),)
    parts = (numbers[row::row_step, column::column_step] for row, column, row_step, column_step in passes)
    return b"".join(_lines(recipe, part, filters) for part in parts if part.size)


def bomb(name: bytes) -> bytes:
    """A sound PNG beside whose pixels a short chunk lies that would unpack to a lot."""
    kept = {b"zTXt": b"Comment\0\0", b"iTXt": b"Comment\0\1\0\0\0", b"iCCP": b"profile\0\0"}[name]
    return _with_chunk(png(), chunk(name, kept + _zeros_packed()))


BOMBS = (b"zTXt", b"iTXt", b"iCCP")


def _shown(recipe: Recipe, numbers: Array, row: int, column: int) -> list[int]:
    stored = [int(number) for number in numbers[row, column]]
    if recipe.color == PALETTE:
        color = [int(part) for part in _palette(recipe)[stored[0]]]
        return color + ([_opacity(recipe, stored[0])] if recipe.transparent else [])
    top = (1 << recipe.depth) - 1
    scaled = [number * 255 // top for number in stored] if recipe.depth < 8 else stored
    if not recipe.transparent:
        return scaled
    hidden = stored == [int(number) for number in numbers[0, 0]]
    return [*scaled, 0 if hidden else 65535 if recipe.depth == 16 else 255]


def _numbers(recipe: Recipe, shape: tuple[int, int], seed: int) -> Array:
    """What is stored, rows x columns x samples; smooth enough that all filters have something to do."""
    rng = np.random.default_rng(seed)
    size = (*shape, SAMPLES[recipe.color])
    slope = np.arange(shape[0])[:, None, None] * 7 + np.arange(shape[1])[None, :, None] * 3
    numbers = (slope * (257 if recipe.depth == 16 else 1) + rng.integers(0, 60, size)) % (1 << recipe.depth)
    return _typed(recipe, numbers)


def _typed(recipe: Recipe, numbers: NDArray[np.int64]) -> Array:
    return numbers.astype(np.uint16) if recipe.depth == 16 else numbers.astype(np.uint8)


def _palette(recipe: Recipe) -> NDArray[np.uint8]:
    return np.random.default_rng(recipe.depth).integers(0, 256, (1 << recipe.depth, 3)).astype(np.uint8)


def _opacity(recipe: Recipe, color: int) -> int:
    """The last colour has none said, which means that it is opaque."""
    return color * 37 % 256 if color < (1 << recipe.depth) - 1 else 255


def _transparency(recipe: Recipe, numbers: Array) -> bytes:
    if recipe.color == PALETTE:
        return bytes(_opacity(recipe, color) for color in range((1 << recipe.depth) - 1))
    return struct.pack(f">{numbers.shape[2]}H", *numbers[0, 0].tolist())


def _lines(recipe: Recipe, numbers: Array, filters: tuple[int, ...]) -> bytes:
    step = max(1, SAMPLES[recipe.color] * recipe.depth // 8)
    lines = [_line_bytes(recipe, line) for line in numbers]
    above = [bytes(len(lines[0])), *lines]
    return b"".join(
        _filtered_line(filters[number % len(filters)], line, above[number], step) for number, line in enumerate(lines)
    )


def _line_bytes(recipe: Recipe, line: Array) -> bytes:
    if recipe.depth == 16:
        return b"".join(int(number).to_bytes(2, "big") for number in line.ravel())
    bits = "".join(f"{number:0{recipe.depth}b}" for number in line.ravel().tolist())
    bits += "0" * (-len(bits) % 8)
    return int(bits, 2).to_bytes(len(bits) // 8, "big")


def _filtered_line(number: int, line: bytes, up: bytes, step: int) -> bytes:
    left, corner = bytes(step) + line, bytes(step) + up
    near_bytes = zip(line, left, up, corner, strict=False)  # `left` and `corner` are longer
    return bytes([number, *((byte - predicted(number, *near)) % 256 for byte, *near in near_bytes)])


def predicted(number: int, left: int, up: int, corner: int) -> int:
    return (0, left, up, (left + up) // 2, _paeth(left, up, corner))[number]


def _paeth(left: int, up: int, corner: int) -> int:
    return min((left, up, corner), key=lambda near: abs(left + up - corner - near))


def _frame(shape: tuple[int, int]) -> bytes:
    return struct.pack(">IIIIIHHBB", 0, shape[1], shape[0], 0, 0, 1, 10, 0, 0)


def _with_chunk(picture: bytes, extra: bytes) -> bytes:
    after_header = len(SIGNATURE) + 25
    return picture[:after_header] + extra + picture[after_header:]


@cache
def _zeros_packed() -> bytes:
    return zlib.compress(bytes(BOMB_BYTES), 9)


def _built(*chunks: bytes, recipe: Recipe = KINDS["gray8"], shape: tuple[int, int] = (4, 4)) -> bytes:
    return b"".join([SIGNATURE, chunk(b"IHDR", header(recipe, shape)), *chunks, _END])


def _idat(raw: bytes) -> bytes:
    return chunk(b"IDAT", zlib.compress(raw))


def _flipped(picture: bytes, at: int) -> bytes:
    return picture[:at] + bytes([picture[at] ^ 1]) + picture[at + 1 :]


_END = chunk(b"IEND", b"")
_GOOD = png()
_ROWS = bytes(20)
_LEAST = _idat(_ROWS)
_PLTE = chunk(b"PLTE", bytes(6))
_TWO_COLORS = Recipe(PALETTE, 1)
_WITH_ALPHA = Recipe(RGB_ALPHA, 8)


@cache
def damaged() -> dict[str, tuple[bytes, str]]:
    """Name → a PNG that cannot be packed, and the reason that must be found."""
    return {
        "no bytes": (b"", "empty"),
        "one byte": (SIGNATURE[:1], "truncated"),
        "signature alone": (SIGNATURE, "truncated"),
        "cut in the header": (_GOOD[:20], "truncated"),
        "cut in the pixels": (_GOOD[:-40], "truncated"),
        "cut before IEND": (_GOOD[: -len(_END)], "truncated"),
        "cut in IEND": (_GOOD[:-1], "truncated"),
        "a JPEG renamed": (b"\xff\xd8\xff\xe0\0\x10JFIF\0" + bytes(40), "not-png"),
        "a GIF renamed": (b"GIF89a" + bytes(40), "not-png"),
        "a text": (b"Dear sir or madam, ", "not-png"),
        "zeros, as after a power cut": (bytes(4096), "not-png"),
        "copied as text": (_GOOD.replace(b"\r\n", b"\n"), "not-png"),
        "a bit of the header": (_flipped(_GOOD, 18), "bad-crc"),
        "a bit of a name": (_flipped(_GOOD, 12), "bad-crc"),
        "a bit of the pixels": (_flipped(_GOOD, 80), "bad-crc"),
        "a bit of a checksum": (_flipped(_GOOD, len(_GOOD) - 1), "bad-crc"),
        "a length that no PNG has": (SIGNATURE + b"\xff" * 4 + _GOOD[12:], "bad-structure"),
        "bytes after the end": (_GOOD + b"\0", "bad-structure"),
        "two pictures": (_GOOD + _GOOD, "bad-structure"),
        "no IDAT": (_built(), "bad-structure"),
        "no IHDR": (SIGNATURE + _LEAST + _END, "bad-structure"),
        "short IHDR": (SIGNATURE + chunk(b"IHDR", bytes(12)) + _LEAST + _END, "bad-structure"),
        "IHDR twice": (_built(chunk(b"IHDR", header(KINDS["gray8"], (4, 4))), _LEAST), "bad-structure"),
        "IHDR late": (SIGNATURE + chunk(b"gAMA", bytes(4)) + _GOOD[8:], "bad-structure"),
        "no width": (_built(_LEAST, shape=(4, 0)), "bad-structure"),
        "3 bits": (_built(_LEAST, recipe=Recipe(GRAY, 3)), "bad-structure"),
        "4 bits of RGB": (_built(_LEAST, recipe=Recipe(RGB, 4)), "bad-structure"),
        "colour type 5": (_built(_LEAST, recipe=Recipe(5, 8)), "bad-structure"),
        "IDAT in two places": (_built(_LEAST, chunk(b"tEXt", b"a\0b"), _LEAST), "bad-structure"),
        "an unknown chunk that matters": (_built(chunk(b"ABCD", b""), _LEAST), "bad-structure"),
        "a name that is none": (_built(chunk(b"a\0b ", b""), _LEAST), "bad-structure"),
        "no palette": (_built(_LEAST, recipe=_TWO_COLORS), "bad-structure"),
        "palette late": (_built(_LEAST, _PLTE, recipe=_TWO_COLORS), "bad-structure"),
        "palette twice": (_built(_PLTE, _PLTE, _LEAST, recipe=_TWO_COLORS), "bad-structure"),
        "palette of 7 bytes": (_built(chunk(b"PLTE", bytes(7)), _LEAST, recipe=_TWO_COLORS), "bad-structure"),
        "palette of 3 colours": (_built(chunk(b"PLTE", bytes(9)), _LEAST, recipe=_TWO_COLORS), "bad-structure"),
        "palette in gray": (_built(_PLTE, _LEAST), "bad-structure"),
        "transparency late": (_built(_LEAST, chunk(b"tRNS", bytes(2))), "bad-structure"),
        "transparency too long": (_built(chunk(b"tRNS", bytes(3)), _LEAST), "bad-structure"),
        "transparency twice": (_built(chunk(b"tRNS", bytes(2)), chunk(b"tRNS", bytes(2)), _LEAST), "bad-structure"),
        "transparency beside alpha": (_built(chunk(b"tRNS", bytes(2)), _LEAST, recipe=_WITH_ALPHA), "bad-structure"),
        "header bomb": (_built(_LEAST, shape=(100_000, 100_000)), "too-large"),
        "header bomb of 16-bit colours": (
            _built(_LEAST, recipe=Recipe(RGB_ALPHA, 16), shape=(9_000, 9_000)),
            "too-large",
        ),
        "one line of a million": (_built(_LEAST, shape=(1, 1_000_000)), "too-large"),
        **_undecodable(),
    }


def _undecodable() -> dict[str, tuple[bytes, str]]:
    packed = zlib.compress(_ROWS)
    streams = {
        "no stream": b"",
        "no deflate": b"nothing of the kind",
        "a stream cut off": packed[:-5],
        "a wrong Adler": _flipped(packed, len(packed) - 1),
        "bytes after the stream": packed + bytes(4),
        "a line too few": zlib.compress(_ROWS[:-5]),
        "a byte too many": zlib.compress(_ROWS + b"\0"),
        "a pixel bomb": _zeros_packed(),
        "filter 5": zlib.compress(_ROWS[:-5] + b"\5\0\0\0\0"),
    }
    large = _built(_LEAST, shape=(10_000, 10_000))
    colors = _built(chunk(b"PLTE", bytes(3)), _idat(b"\0\xff" * 4), recipe=_TWO_COLORS)
    return {
        **{name: (_built(chunk(b"IDAT", stream)), "undecodable") for name, stream in streams.items()},
        "much header, few pixels": (large, "undecodable"),
        "a colour beyond the palette": (colors, "undecodable"),
    }
