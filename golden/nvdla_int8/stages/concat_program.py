"""A concatenation along channels: layers write their outputs beside one another (hardware.md section 3)."""

from typing import Literal

import numpy as np
from numpy.typing import NDArray

from nvdla_int8.build import NV_SMALL, Build
from nvdla_int8.errors import BenchError, located
from nvdla_int8.stages.named_stages import NamedStages
from nvdla_int8.stages.sdp_tail import describe
from nvdla_int8.stages.unweighted_program import UnweightedProgram


class ConcatProgram(UnweightedProgram):
    """Inputs of one scale, which is the output's; the bytes are not touched."""

    format: Literal["nvdla-int8 concatenation 1"] = "nvdla-int8 concatenation 1"

    def run(self, *inputs: NDArray[np.integer], build: Build = NV_SMALL) -> NamedStages:
        """Join (C, H, W) or (N, C, H, W) int8 along C; BenchError for other inputs, naming the layer."""
        with located(f"layer {self.name}"):
            for one in inputs:
                same = one.shape[:-3] == inputs[0].shape[:-3] and one.shape[-2:] == inputs[0].shape[-2:]
                if one.dtype != np.int8 or one.ndim not in (3, 4) or not same:
                    raise BenchError(f"inputs are {', '.join(map(describe, inputs))}, int8 of one size is taken")
            return NamedStages({"output": np.concatenate(inputs, axis=-3)}, {})
