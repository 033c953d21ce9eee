"""Where each pixel comes from: a mirror and a turn about the picture's middle, a shift, and a cut from the middle.

A map is 2 x 3. It takes a place (x, y) of the output to the place M · (x, y, 1) of the source that is shown there.
Places are counted as shardkit counts them: in pixels from the middle of the upper left pixel, x to the right and y
downwards. A turn is counter-clockwise as one sees it, as a minutia's theta is.
"""

import torch

Size = tuple[int, int]
"""Height and width."""


def margin(source: Size, target: Size) -> Size:
    """Where the upper left pixel of the cut lies; if an odd number is cut, the smaller half is above or on the left."""
    return (source[0] - target[0]) // 2, (source[1] - target[1]) // 2


def middle(images: torch.Tensor, target: Size) -> torch.Tensor:
    """What a map without turn and shift shows, cut out as it is."""
    top, left = margin((images.shape[-2], images.shape[-1]), target)
    return images[..., top : top + target[0], left : left + target[1]]


def maps_of(
    angles: torch.Tensor, shifts: torch.Tensor, mirrored: torch.Tensor, source: Size, target: Size
) -> torch.Tensor:
    """B x 2 x 3 from B angles in radians, B x 2 shifts (x, y), and whether left and right are exchanged.

    The picture is mirrored first, turns then, and shifts at last.
    """
    height, width = source
    top, left = margin(source, target)
    pivot = torch.tensor([(width - 1) / 2, (height - 1) / 2], dtype=torch.float64)
    cut = torch.tensor([left, top], dtype=torch.float64)
    side = 1 - 2 * mirrored.double()
    cosine, sine = torch.cos(angles.double()), torch.sin(angles.double())
    x, y = (cut - shifts.double() - pivot).unbind(1)
    rows = (
        torch.stack([side * cosine, -side * sine, side * (cosine * x - sine * y) + pivot[0]], dim=1),
        torch.stack([sine, cosine, sine * x + cosine * y + pivot[1]], dim=1),
    )
    return torch.stack(rows, dim=1).float()
