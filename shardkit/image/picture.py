"""What a picture is, as its header tells, once decoded; what a header does not tell is 0."""

from typing import NamedTuple

from shardkit.errors import BadInput
from shardkit.image.exif import UPRIGHT, Size, upright_size


class Picture(NamedTuple):
    """Width and height as stored, and the EXIF orientation that decoding applies to them."""

    width: int
    height: int
    channels: int
    bit_depth: int
    orientation: int = UPRIGHT

    @property
    def upright(self) -> Size:
        """Width and height as decoding gives them."""
        return upright_size(self.width, self.height, self.orientation)


UNKNOWN = Picture(0, 0, 0, 0)


def sized(picture: Picture) -> Picture:
    if not picture.width or not picture.height:
        raise BadInput("undecodable", f"it claims {picture.width} x {picture.height} pixels.")
    return picture
