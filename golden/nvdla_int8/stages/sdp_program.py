"""A layer that SDP does alone, from memory to memory (hardware.md sections 2 and 4)."""

from typing import Literal

import numpy as np
from numpy.typing import NDArray

from nvdla_int8.build import NV_SMALL, Build
from nvdla_int8.errors import BenchError, located
from nvdla_int8.stages.named_stages import NamedStages
from nvdla_int8.stages.saturation import count_flags, sdp_flags
from nvdla_int8.stages.sdp_tail import SdpTail, describe


class SdpProgram(SdpTail):
    """Everything a layer of SDP alone needs: what :class:`SdpTail` holds."""

    format: Literal["nvdla-int8 SDP program 1"] = "nvdla-int8 SDP program 1"

    def run(
        self, data: NDArray[np.integer], addend: NDArray[np.integer] | None = None, *, build: Build = NV_SMALL
    ) -> NamedStages:
        """Run the layer through every stage: ``x1``, ``x2``, ``output``.

        Parameters
        ----------
        data, addend
            (C, H, W) or (N, C, H, W) int8; an addend exactly when the program takes one.
        build
            Of no matter here.

        Raises
        ------
        BenchError
            Wrong dtype or shape, naming the layer.
        """
        with located(f"layer {self.name}"):
            if data.dtype != np.int8 or data.ndim not in (3, 4):
                raise BenchError(f"input is {describe(data)}, it takes int8 (C, H, W) or (N, C, H, W)")
            x1, x2, output = self._run_sdp(data, addend)
        tensors: dict[str, NDArray[np.integer]] = {"x1": x1.value, "x2": x2.value, "output": output.value}
        return NamedStages(tensors, count_flags(sdp_flags(x1, x2, output)))
