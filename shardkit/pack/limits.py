"""The largest files that are taken, since each is held in memory while it is packed, once a thread."""

from shardkit.errors import BadInput
from shardkit.image.limits import MAX_BYTES
from shardkit.pack.names import is_sidecar

# Pixels that do not shrink, their filters, and 16 MiB for all else that a PNG may carry.
MAX_IMAGE = MAX_BYTES + 2**24
MAX_SIDECAR = 2**26


def check_file_size(name: bytes, size: int) -> None:
    most = MAX_SIDECAR if is_sidecar(name) else MAX_IMAGE
    if size > most:
        raise BadInput("too-large", f"it has {size:,} bytes, and at most {most:,} are taken. Make it smaller.")
