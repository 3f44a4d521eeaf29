"""What CACC and SDP do to sums, all stages of a block one behind the other while it lies in the cache."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from nvdla_int8.stages.accumulator import Accumulator
from nvdla_int8.stages.blocks import Index, blocks, load_block, short_buffers
from nvdla_int8.stages.float_rounding import Extent
from nvdla_int8.stages.sdp_blocks import Flags, OutputBlocks, XBlocks


@dataclass(frozen=True)
class TailBlocks:
    """The stages from sums to bytes, and where their results go.

    Attributes
    ----------
    extent
        Bounds of the sums.
    accumulator
        CACC's delivery.
    x1, x2
        None for a stage that is bypassed.
    converter
        The output converter.
    output
        Where the bytes go, (N, K, Ho, Wo).
    kept
        Where ``accumulators``, ``x1`` and ``x2`` go, int32 of the same shape, of those that are kept.
    """

    extent: Extent
    accumulator: Accumulator
    x1: XBlocks | None
    x2: XBlocks | None
    converter: OutputBlocks
    output: NDArray[np.int8]
    kept: Mapping[str, NDArray[np.int32]]

    def part(self, tile: Index) -> "TailBlocks":
        """The same for a part of the output."""
        return replace(
            self,
            x1=self.x1 and self.x1.part(tile),
            x2=self.x2 and self.x2.part(tile),
            output=self.output[tile],
            kept={name: array[tile] for name, array in self.kept.items()},
        )

    def run(self, sums: NDArray[np.signedinteger]) -> Counter[str]:
        """Run sums of the output's shape, at most 34 bits, through all stages.

        Returns
        -------
        Counter
            Elements that each step clipped, as ``LayerStages.saturations`` names them.
        """
        counts: Counter[str] = Counter()

        def count(step: str, flags: Flags) -> None:
            if flags is not None:
                counts[step] += int(np.count_nonzero(flags))

        def keep(stage: str) -> None:
            if stage in self.kept:
                np.copyto(self.kept[stage][index], values, casting="unsafe")

        with short_buffers():
            for index in blocks(sums.shape):
                given = sums[index]
                values = load_block(given, given.shape)
                extent, flags = self.accumulator.run_block(values, self.extent)
                count("cacc_32", flags)
                keep("accumulators")
                for name, stage in (("x1", self.x1), ("x2", self.x2)):
                    if stage is not None:
                        extent, flags = stage.run(values, extent, index)
                        count(name, flags)
                    keep(name)
                flags_17, flags_8 = self.converter.run(values, extent, self.output[index])
                count("output_17", flags_17)
                count("output_8", flags_8)
        return counts
