"""A layer that SDP does alone, from memory to memory (hardware.md sections 2 and 4)."""

from typing import Literal

import numpy as np
from numpy.typing import NDArray

from nvdla_int8.build import NV_SMALL, Build
from nvdla_int8.errors import BenchError, located
from nvdla_int8.stages.accumulator import Accumulator
from nvdla_int8.stages.float_rounding import Extent
from nvdla_int8.stages.named_stages import NamedStages
from nvdla_int8.stages.sdp_tail import SdpTail, describe
from nvdla_int8.stages.widths import FEATURE


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
            if addend is not None and (addend.dtype != np.int8 or addend.shape != data.shape):
                raise BenchError(f"the addend is {describe(addend)}, it takes int8 {data.shape}")
            batch = data.astype(np.int8, copy=False).reshape(-1, *data.shape[-3:])
            kept = {name: np.empty(batch.shape, np.int32) for name in ("x1", "x2")}
            tiles = [(slice(image, image + 1), *(slice(None),) * 3) for image in range(len(batch))]
            more = None if addend is None else addend.reshape(batch.shape)
            output, counts = self._run_tiles(
                batch.shape, lambda tile: batch[tile], Extent.of_width(FEATURE), tiles, more, kept, Accumulator()
            )
        del counts["cacc_32"]
        stages: dict[str, NDArray[np.integer]] = {**kept, "output": output}
        return NamedStages({name: array.reshape(data.shape) for name, array in stages.items()}, counts)
