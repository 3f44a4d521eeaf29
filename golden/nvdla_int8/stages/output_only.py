"""What running a layer program gives when its stages are not kept."""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray


class OutputOnly(NamedTuple):
    """The bytes that go to memory, and the elements each saturating step clipped."""

    output: NDArray[np.int8]
    saturations: Mapping[str, int]
