"""shardkit packs subject/impression image trees into tar shards and streams them to every rank.

The public names are listed in `__all__` and imported on first use, so that `import shardkit` stays cheap.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from shardkit.errors import ShardkitError
    from shardkit.format.opened import open  # noqa: A004 - read as shardkit.open
    from shardkit.format.publish import publish
    from shardkit.image.codec import decode
    from shardkit.stream.dataset import StreamingDataset

__version__ = "0.0.1"
__all__ = ["ShardkitError", "StreamingDataset", "__version__", "decode", "open", "publish"]

_HOMES = {
    "ShardkitError": "shardkit.errors",
    "StreamingDataset": "shardkit.stream.dataset",
    "decode": "shardkit.image.codec",
    "open": "shardkit.format.opened",
    "publish": "shardkit.format.publish",
}


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module 'shardkit' has no attribute '{name}'")
    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return __all__
