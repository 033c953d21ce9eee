"""Names for what an array holds.

The width of a number is left open on purpose: NumPy's promotion and OpenCV's stubs do not keep it, and casts that only
please the type checker would hide the ones that matter.
"""

from typing import Any

from numpy.typing import NDArray

# Real numbers, one a pixel or one a point.
Float = NDArray[Any]
# Complex numbers: a quadrature response, or points of the plane.
Complex = NDArray[Any]
# Grey or colour, 0 to 255.
Image = NDArray[Any]
# True or false a pixel or a point.
Mask = NDArray[Any]
