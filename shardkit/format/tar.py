"""Bytes of a tar around its members: a pure function of their names and sizes.

Plain USTAR: regular files only, mode 0444, owner 0, time 0, no extensions, two zero blocks at the end. So headers and
padding need not be stored to be checked: the index is enough to write them again.
"""

from functools import lru_cache

from shardkit.errors import UsageError

BLOCK = 512
END_BLOCKS = bytes(2 * BLOCK)
LARGEST_MEMBER = 8**11 - 1

_NAME, _PREFIX = 100, 155
_BEFORE_SIZE = b"0000444\x000000000\x000000000\x00"
_TIME = b"00000000000\x00"
_AFTER_CHECKSUM = b"0" + bytes(100) + b"ustar\x0000" + bytes(64) + b"0000000\x000000000\x00"
# The checksum field counts as eight spaces.
_CONSTANT_SUM = sum(_BEFORE_SIZE) + sum(_TIME) + 8 * ord(" ") + sum(_AFTER_CHECKSUM)


def header(name: str, size: int) -> bytes:
    prefix, base = split_name(name)
    digits = b"%011o\x00" % size
    checksum = _CONSTANT_SUM + sum(prefix) + sum(base) + sum(digits)
    parts = (base.ljust(_NAME, b"\x00"), _BEFORE_SIZE, digits, _TIME, b"%06o\x00 " % checksum, _AFTER_CHECKSUM)
    return b"".join((*parts, prefix.ljust(_PREFIX + 12, b"\x00")))


def padded_size(size: int) -> int:
    """The length of a member's payload with the zeros that fill its last block."""
    return -(-size // BLOCK) * BLOCK


def split_name(name: str) -> tuple[bytes, bytes]:
    """A name as USTAR keeps it: at most 100 bytes, and before them at most 155 up to a slash."""
    whole = name.encode()
    if len(whole) <= _NAME:
        return b"", whole
    slash = whole.find(b"/", len(whole) - _NAME - 1)
    if not 0 < slash <= _PREFIX or slash == len(whole) - 1:
        raise UsageError(
            f"{name!a}: a tar takes up to 155 bytes for the subject, 100 for the impression with its ending. "
            "Give the subject or the impression a shorter name, or choose other parts of the path with --layout."
        )
    return whole[:slash], whole[slash + 1 :]


@lru_cache(maxsize=4096)
def padding(size: int) -> bytes:
    return bytes(-size % BLOCK)
