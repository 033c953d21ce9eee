"""What a picture is, as its header tells, once decoded; what a header does not tell is 0."""

from typing import NamedTuple

from shardkit.errors import BadInput


class Picture(NamedTuple):
    """Width and height are those that are stored, before EXIF turns them."""

    width: int
    height: int
    channels: int
    bit_depth: int


UNKNOWN = Picture(0, 0, 0, 0)


def sized(picture: Picture) -> Picture:
    if not picture.width or not picture.height:
        raise BadInput("undecodable", f"it claims {picture.width} x {picture.height} pixels.")
    return picture
