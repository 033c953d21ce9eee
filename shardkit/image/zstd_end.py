"""Where a frame of zstd ends, by the lengths of its blocks: its decoder stops there, and does not tell."""

import zstandard

from shardkit.errors import BadInput

_BLOCK_HEADER, _CHECKSUM = 3, 4
_LAST, _KIND, _REPEATED = 0b001, 0b110, 0b010


def end_of_frame(data: memoryview) -> int:
    position, header = zstandard.frame_header_size(data), 0
    while not header & _LAST:
        if position + _BLOCK_HEADER > len(data):
            raise BadInput("truncated", f"the frame ends at byte {len(data):,}, inside a block.")
        header = int.from_bytes(data[position : position + _BLOCK_HEADER], "little")
        position += _BLOCK_HEADER + (1 if header & _KIND == _REPEATED else header >> 3)
    position += _CHECKSUM if zstandard.get_frame_parameters(data).has_checksum else 0
    if position > len(data):
        raise BadInput(
            "truncated", f"the frame ends at byte {len(data):,}, but its blocks and checksum take {position:,}."
        )
    return position
