"""What pixels are here: rows x columns, or rows x columns x channels (gray or RGB, then alpha), of 8 or 16 bits.

A sample of arrays need not be an image of ours: its values keep the order of sides that they came with.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

Bytes = NDArray[np.uint8]
Pixels = NDArray[np.unsignedinteger[Any]]
Values = NDArray[np.unsignedinteger[Any] | np.float32]
"""Pixels, or a sample of arrays."""
