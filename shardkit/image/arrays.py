"""What pixels are here: rows x columns, or rows x columns x channels (gray or RGB, then alpha), of 8 or 16 bits."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

Bytes = NDArray[np.uint8]
Pixels = NDArray[np.unsignedinteger[Any]]
