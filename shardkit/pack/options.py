"""What a user may ask of a pack, as one frozen value: everything in it changes bytes, nothing outside it does."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal

Color = Literal["gray", "rgb", "keep"]
Fit = Literal["pad", "crop", "stretch"]
Check = Literal["header", "decode"]

MEGABYTE = 1_000_000


@dataclass(frozen=True)
class ArrayFiles:
    """What the files of arrays say of themselves: other files are another input."""

    images: str
    labels: str
    samples: int
    type: str
    """Of the values, as `.npy` names it."""
    label_type: str
    images_head: str
    """The bytes before the first sample, as hexadecimal digits: with them the file can be given back."""
    labels_head: str


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

    @staticmethod
    def recorded(record: Mapping[str, Any]) -> "PackOptions":
        shape, arrays = record["shape"], record["arrays"]
        typed = {"shape": tuple(shape) if shape else None, "arrays": ArrayFiles(**arrays) if arrays else None}
        return PackOptions(**{**record, **typed})
