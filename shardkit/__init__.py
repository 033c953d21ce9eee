"""Image datasets packed into verified tar shards, and streamed from there to every rank of a training job.

    cli/       commands                                 format/    bytes on disk: keys, tars, tables, manifest
    pack/      every change of a dataset                storage/   files: reading, atomic writing, locks
    verify/    checks and repair                        host/      disk and machine under a dataset, `doctor`
    reader/    samples by key                           image/     codecs, PNG, geometry, color
    stream/    batches for training                     errors.py, schema.py, parallel.py   shared by all of them

The public names are listed in `__all__` and imported on first use, so that `import shardkit` stays cheap.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from shardkit.errors import ShardkitError
    from shardkit.image.codec import decode
    from shardkit.reader.dataset import open  # noqa: A004 - read as shardkit.open
    from shardkit.storage.atomic import publish
    from shardkit.stream.dataset import StreamingDataset

__version__ = "0.0.1"
__all__ = ["ShardkitError", "StreamingDataset", "__version__", "decode", "open", "publish"]

_HOMES = {
    "ShardkitError": "shardkit.errors",
    "StreamingDataset": "shardkit.stream.dataset",
    "decode": "shardkit.image.codec",
    "open": "shardkit.reader.dataset",
    "publish": "shardkit.storage.atomic",
}


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module 'shardkit' has no attribute '{name}'")
    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return __all__
