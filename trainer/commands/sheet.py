"""Pictures side by side as one PNG, written by hand: greys of one batch need no image library."""

import struct
import zlib
from math import ceil, sqrt

import torch
from torch.nn import functional

_GAP = 2
_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_GREY_8_BIT = (8, 0, 0, 0, 0)


def sheet(images: torch.Tensor) -> bytes:
    """Of B x C x h x w floats: each stretched to black and white by itself, channels averaged."""
    grey = torch.nan_to_num(images.float().mean(1))
    low, high = grey.amin((1, 2), keepdim=True), grey.amax((1, 2), keepdim=True)
    bytes_ = ((grey - low) / (high - low).clamp(min=1e-12) * 255).round().to(torch.uint8)
    return _png(_grid(functional.pad(bytes_, (0, _GAP, 0, _GAP), value=128)))


def _grid(cells: torch.Tensor) -> torch.Tensor:
    count, height, width = cells.shape
    columns = ceil(sqrt(count * height / width))
    rows = ceil(count / columns)
    blank = cells.new_full((rows * columns - count, height, width), 128)
    whole = torch.cat([cells, blank]).view(rows, columns, height, width)
    return whole.permute(0, 2, 1, 3).reshape(rows * height, columns * width)


def _png(grey: torch.Tensor) -> bytes:
    height, width = grey.shape
    lines = functional.pad(grey, (1, 0)).contiguous().numpy().tobytes()  # a 0 before each line: it has no filter
    header = struct.pack(">II5B", width, height, *_GREY_8_BIT)
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(lines, 6)), (b"IEND", b""))
    return _SIGNATURE + b"".join(_chunk(*each) for each in chunks)


def _chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))
