"""What running a layer program gives, stage by stage, where the stages have no attributes of their own."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class NamedStages:
    """Every stage of one run by name, in the data's order, ``output`` last; and the elements each step clipped."""

    tensors: Mapping[str, NDArray[np.integer]]
    saturations: Mapping[str, int]

    @property
    def names(self) -> tuple[str, ...]:
        """The stages."""
        return tuple(self.tensors)

    @property
    def output(self) -> NDArray[np.int8]:
        """The bytes that go to memory."""
        return self.tensor("output").astype(np.int8, copy=False)

    def tensor(self, stage: str) -> NDArray[np.integer]:
        """The array of one stage."""
        return self.tensors[stage]
