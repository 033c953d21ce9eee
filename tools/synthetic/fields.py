"""Names for what an array holds.

The kind of number is kept apart, so that no image is taken for a mask. Its width is left open: NumPy's promotion does
not keep it. OpenCV's stubs do not even keep the kind, so where a function returns what OpenCV gave, it names the kind
with `np.asarray`, which copies nothing.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

# Real numbers, one a pixel or one a point.
Float = NDArray[np.floating[Any]]
# Complex numbers: a quadrature response, or points of the plane.
Complex = NDArray[np.complexfloating[Any, Any]]
# Grey or colour, 0 to 255.
Image = NDArray[np.uint8]
# True or false a pixel or a point.
Mask = NDArray[np.bool_]
