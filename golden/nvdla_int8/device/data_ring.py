"""The rows of input that convolutions leave in the CBUF, on the public RTL (reuse.md section 1).

The ring is DATA_BANK + 1 banks. CDMA appends rows, CSC reads from the oldest one and frees the oldest.
"""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from nvdla_int8.device.blocks import LayerRegisters
from nvdla_int8.device.convolution_layer import ConvolutionLayer


def _no_rows() -> NDArray[np.uint8]:
    return np.zeros((0, 1, 1), np.uint8)


@dataclass(frozen=True)
class FoundRows:
    """What a convolution finds of the data ring when CSC starts it.

    Attributes
    ----------
    rows
        (H, entries, atomic-C) uint8: the rows in front.
    row_bytes
        Bytes of each that hold something.
    reused
        The layer takes them for its first rows; otherwise they are in its way.
    fetches
        CDMA fetches rows behind them.
    partly_released
        The layer before kept rows by RLS_SLICES, so that CDMA.DATA_REUSE is without effect.
    """

    rows: NDArray[np.uint8]
    row_bytes: int
    reused: bool
    fetches: bool
    partly_released: bool

    @property
    def kept(self) -> int:
        """Rows in front."""
        return len(self.rows)


@dataclass(frozen=True)
class DataRing:
    """The ring between two convolutions.

    Attributes
    ----------
    banks
        DATA_BANK + 1 of the layer before; None after reset.
    image
        The layer before was one.
    skipped
        The layer before had SKIP_DATA_RLS.
    rows, row_bytes
        The rows that are there, as in :class:`FoundRows`.
    left
        So many of them CSC frees when the next layer does not reuse them: what the layer before used and kept.
    """

    banks: int | None = None
    image: bool = False
    skipped: bool = False
    rows: NDArray[np.uint8] = field(default_factory=_no_rows)
    row_bytes: int = 0
    left: int = 0

    def found_by(self, registers: LayerRegisters) -> FoundRows:
        """What a layer finds: other banks or another kind of input drop what is there."""
        image = registers.field("CSC.D_DATAIN_FORMAT.DATAIN_FORMAT") == 1
        same = self.banks == _banks(registers), self.image == image
        reused = registers.field("CSC.D_MISC_CFG.DATA_REUSE") == 1 and all(same)
        rows = self.rows if same[0] else self.rows[:0]
        if not reused:
            rows = rows[self.left :]
        wanted = registers.field("CDMA.D_MISC_CFG.DATA_REUSE") == 1
        fetches = not (wanted and self.skipped and all(same))
        return FoundRows(rows, self.row_bytes, reused, fetches, not self.skipped and self.left > 0)

    def after(self, layer: ConvolutionLayer, registers: LayerRegisters, rows: NDArray[np.uint8]) -> "DataRing":
        """The ring after a layer that ran with these rows in it."""
        skipped = registers.field("CSC.D_MISC_CFG.SKIP_DATA_RLS") == 1
        freed = 0 if skipped else registers.size("CSC.D_RELEASE.RLS_SLICES")
        return DataRing(
            _banks(registers), layer.pixel, skipped, rows[freed:].copy(), layer.row_bytes, layer.height - freed
        )


def _banks(registers: LayerRegisters) -> int:
    return registers.size("CDMA.D_BANK.DATA_BANK")
