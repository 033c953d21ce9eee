"""Options of a pack as one frozen value: everything in it changes bytes of the dataset, and nothing else does."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal, cast, get_args

from shardkit.errors import Damaged
from shardkit.format.json_values import decode_dataclass
from shardkit.image.formats import Codec
from shardkit.pack.source.array_files import ArrayFiles
from shardkit.schema import MANIFEST, Manifest

BY_FILE = "file="

Color = Literal["gray", "rgb", "keep"]

Fit = Literal["pad", "crop", "stretch"]

Check = Literal["header", "decode"]

MEGABYTE = 1_000_000

MAX_SIZE = 16_384
"""Pixels a side that images can be resized to."""

_LISTS = ("files", "groups", "exclude")

_DIGITS = 8


@dataclass(frozen=True)
class PackOptions:
    layout: str | None = None
    splits: str = "train"
    """As asked for: `train=0.8,val=0.2`, `folds=5`, or the digest of a split file."""
    files: str | None = None
    """The digest of the list of files, where one is packed instead of all."""
    groups: str | None = None
    """The digest of the file that names the groups."""
    exclude: str | None = None
    """The digest of the list of samples to leave out."""
    codec: str = "png"
    color: Color = "keep"
    size: int | None = None
    fit: Fit = "pad"
    enhance: Literal["gabor"] | None = None
    shard_size: int = 256 * MEGABYTE
    check: Check = "header"
    sha256: bool = False
    shape: tuple[int, ...] | None = None
    """Of one sample, when arrays are packed instead of a tree."""
    arrays: ArrayFiles | None = None

    @property
    def prepares(self) -> bool:
        """Whether pixels are changed, so that they have to be decoded and encoded anew."""
        return self.color != "keep" or self.size is not None or self.enhance is not None

    def record(self) -> dict[str, Any]:
        """As the plan and the manifest keep it."""
        return {name: list(value) if isinstance(value, tuple) else value for name, value in asdict(self).items()}

    @classmethod
    def recorded(cls, record: Mapping[str, Any], folder: Path | str = "dataset") -> "PackOptions":
        """Return the options that a plan or a manifest keeps.

        Raises:
            Damaged: They are not of the shape that `record` gives them, or no command takes such values.
        """
        try:
            options = decode_dataclass(record, cls)
            _check_values(options)
        except ValueError as error:
            raise Damaged(
                f"{folder}: its recorded options are not those of a pack: {error}. Pack the images into a new folder."
            ) from error
        return options


def _check_values(options: PackOptions) -> None:
    codecs = (*get_args(Codec), "auto")
    if options.codec not in codecs:
        raise ValueError(f"codec {options.codec!r:.80} is none of {', '.join(codecs)}")
    if options.size is not None and not 1 <= options.size <= MAX_SIZE:
        raise ValueError(f"size must be from 1 to {MAX_SIZE:,}, not {options.size:,}")
    if options.shard_size < 1:
        raise ValueError(f"shard_size must be from 1 on, not {options.shard_size:,}")
    if options.arrays is not None:
        options.arrays.check(options.shape or ())


def format_option(name: str, *values: object) -> str:
    """Return how an option is written on the command line, where it has these values."""
    by_list = name == "splits" and any(str(each).startswith(BY_FILE) for each in values)
    return "--split-file" if by_list else "--" + {"splits": "split"}.get(name, name).replace("_", "-")


def format_recorded_value(name: str, value: object) -> str:
    """Return what is said of a recorded value; of a list only its digest is recorded."""
    if value is None:
        return "nothing"
    if name in _LISTS or (name == "splits" and str(value).startswith(BY_FILE)):
        return f"a list (digest {str(value).rpartition('=')[2][:_DIGITS]}…)"
    return str(value)


def codec_of(manifest: Manifest) -> Codec:
    """Return the codec of a dataset; Damaged if there is no such codec."""
    for codec in get_args(Codec):
        if codec == manifest.codec:
            return cast("Codec", codec)
    raise Damaged(f"{MANIFEST}: codec {manifest.codec!r:.80} is none of {', '.join(get_args(Codec))}.")


# What an index row, its share of the tables and its part take, generously.
OVERHEAD_PER_SAMPLE = 400
