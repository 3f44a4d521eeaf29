"""An LRN layer's program (pdp_cdp.md section 6)."""

from typing import Literal

import numpy as np
from numpy.typing import NDArray

from nvdla_int8.stages.lrn import Lrn
from nvdla_int8.stages.named_stages import NamedStages
from nvdla_int8.stages.unweighted_program import OneInputProgram


class LrnProgram(OneInputProgram):
    """Everything one LRN layer needs: CDP's parameters with both tables."""

    format: Literal["nvdla-int8 LRN program 1"] = "nvdla-int8 LRN program 1"
    lrn: Lrn

    def _run(self, data: NDArray[np.int8]) -> NamedStages:
        images = data if data.ndim == 4 else data[None]
        number, channels, height, width = images.shape
        # Only channels are neighbours: all images' rows can stand in one cube.
        cube = np.moveaxis(images, 1, 0).reshape(channels, number * height, width)
        stages = self.lrn.apply(cube, channels)

        def as_given(tensor: NDArray[np.integer]) -> NDArray[np.integer]:
            return np.moveaxis(tensor.reshape(channels, number, height, width), 0, 1).reshape(data.shape)

        tensors: dict[str, NDArray[np.integer]] = {
            "converted": stages.converted,
            "sums": stages.sums,
            "selected": stages.selected,
            "multiplied": stages.multiplied,
            "output": stages.output,
        }
        return NamedStages({name: as_given(tensor) for name, tensor in tensors.items()}, stages.saturations)
