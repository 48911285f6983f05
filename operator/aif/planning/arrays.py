"""Types of the arrays in which figures of many nodes stand side by side; NaN is a figure that nobody gave."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]
BoolArray = NDArray[np.bool_]
IntArray = NDArray[np.int64]
