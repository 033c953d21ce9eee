"""The largest picture that is taken: what a header claims is checked against this before anything is allocated.

Decoding holds about four times MAX_BYTES at worst.
"""

from shardkit.errors import BadInput

MAX_SIDE = 2**16
MAX_PIXELS = 2**27
MAX_BYTES = 2**28
# Four times as many as MAX_BYTES takes in the small chunks of 8 KB that libpng writes.
MAX_CHUNKS = 2**17


def check_size(width: int, height: int, bits_a_pixel: int) -> None:
    raw_bytes = height * ((width * bits_a_pixel + 7) // 8)
    if max(width, height) > MAX_SIDE or width * height > MAX_PIXELS or raw_bytes > MAX_BYTES:
        raise BadInput(
            "too-large",
            f"it claims {width} x {height} pixels, {raw_bytes:,} bytes unpacked; at most {MAX_SIDE:,} pixels a side, "
            f"{MAX_PIXELS:,} in all and {MAX_BYTES:,} bytes are taken. Cut it into tiles, or make it smaller.",
        )
