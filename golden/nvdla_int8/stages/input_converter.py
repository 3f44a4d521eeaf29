"""CDMA's input converter: pixels or features to the int8 operands of the MACs (hardware.md section 2)."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from nvdla_int8.errors import BenchError
from nvdla_int8.parameters import S16, U6, Flag, Parameters
from nvdla_int8.stages.blocks import no_flags, runs_on_blocks
from nvdla_int8.stages.fixedpoint import HARDWARE, Arithmetic, round_shift, sign_extend
from nvdla_int8.stages.widths import CVT_IN, CVT_PRODUCT, CVT_SCALE, FEATURE

MEAN_CHANNELS = 4
BYTES = np.arange(1 << FEATURE, dtype=np.uint8)
"""Every byte that there is, to look results up by."""


class Converted(NamedTuple):
    """Converted elements with the flags of the two saturating steps, all of one shape."""

    value: NDArray[np.int8]
    saturated_17: NDArray[np.bool_]
    saturated_8: NDArray[np.bool_]


class InputConverter(Parameters):
    """Parameters of the input converter: ``clip(RSH((d17 - offset) * scale, truncate, 34, 17), 8)``.

    Attributes
    ----------
    enabled
        CVT_EN. When off a byte is read as int8 and offset, scale and mean are ignored.
    pixel
        The input is an image (DATAIN_FORMAT = PIXEL); a feature cube otherwise.
    unsigned
        PIXEL_SIGN_OVERRIDE = UNSIGNED: pixel bytes are 0..255. Only an image can be unsigned.
    offset
        Signed 16 bits, subtracted.
    scale
        Signed 16 bits.
    truncate_bits
        Right shift, 0..63; 34 and more give 0.
    mean
        Up to four signed 16-bit means, one a channel, which replace the offset (MEAN_FORMAT on);
        None when off. Only an image has means.
    """

    enabled: Flag = False
    pixel: Flag = False
    unsigned: Flag = False
    offset: S16 = 0
    scale: S16 = 1
    truncate_bits: U6 = 0
    mean: tuple[S16, ...] | None = None

    def model_post_init(self, _context: object) -> None:
        """Refuse combinations that the hardware has no register for."""
        if self.unsigned and not self.pixel:
            raise BenchError("unsigned = True needs pixel = True; feature bytes are signed")
        if self.mean is not None and not self.pixel:
            raise BenchError(f"mean = {self.mean} needs pixel = True; features have no mean")
        if self.mean is not None and not 1 <= len(self.mean) <= MEAN_CHANNELS:
            raise BenchError(f"mean has {len(self.mean)} values, the hardware 1 to {MEAN_CHANNELS}")

    def offsets(self, channels: int) -> NDArray[np.int64]:
        """Offset of each of ``channels`` channels; the mean replaces it where there is one."""
        offsets = np.full(channels, self.offset, np.int64)
        if self.mean is not None:
            if channels > MEAN_CHANNELS:
                raise BenchError(f"InputConverter: {channels} channels with a mean, the hardware has {MEAN_CHANNELS}")
            means = np.zeros(MEAN_CHANNELS, np.int64)
            means[: len(self.mean)] = self.mean
            offsets = means[:channels]
        return offsets

    def apply(self, data: NDArray[np.integer], arithmetic: Arithmetic = HARDWARE) -> Converted:
        """Convert a cube.

        Parameters
        ----------
        data
            (..., C, H, W). Bytes as they lie in memory: int8 or uint8. An unsigned pixel is read
            as 0..255, everything else as two's complement, whatever the array's own sign.
        arithmetic
            How it rounds, saturates and reads its factor.

        Raises
        ------
        BenchError
            For another dtype, or a mean with more than four channels.
        """
        if data.dtype not in (np.int8, np.uint8):
            raise BenchError(f"InputConverter: input has dtype {data.dtype}, it takes int8 or uint8")
        offsets = self.offsets(data.shape[-3])[:, None, None]
        if runs_on_blocks(data, arithmetic) and not self.enabled:
            return Converted(data.view(np.int8), no_flags(data.shape), no_flags(data.shape))
        if runs_on_blocks(data, arithmetic) and data.size > BYTES.size * len(offsets):
            return self._looked_up(data, offsets)
        return self.convert(self.read(data), offsets, arithmetic)

    def _looked_up(self, data: NDArray[np.integer], offsets: NDArray[np.int64]) -> Converted:
        """Convert every byte that there is once, with each offset that there is, then look up the data's."""
        several, which = np.unique(offsets, return_inverse=True)
        tables = self.convert(self.read(BYTES), several[:, None])
        places = data.view(np.uint8) + (which.reshape(offsets.shape) << FEATURE)
        flags = (table.take(places) if table.any() else no_flags(data.shape) for table in tables[1:])
        return Converted(tables.value.take(places), *flags)

    def read(self, data: NDArray[np.integer]) -> NDArray[np.int64]:
        """Bytes to the converter's 17-bit operand: zero-extended pixels, otherwise sign-extended."""
        if self.unsigned:
            return data.astype(np.int64) & ((1 << FEATURE) - 1)
        return sign_extend(data, FEATURE)

    def convert(
        self, operand: NDArray[np.int64], offset: NDArray[np.int64], arithmetic: Arithmetic = HARDWARE
    ) -> Converted:
        """The converter's arithmetic on 17-bit operands with an offset for each of them.

        Parameters
        ----------
        operand
            Any shape, signed 17 bits.
        offset
            Signed 16 bits, broadcast against ``operand``.
        arithmetic
            How it rounds, saturates and reads its factor.
        """
        sign_extended = sign_extend(operand, CVT_IN)
        if not self.enabled:
            none = np.zeros(sign_extended.shape, np.bool_)
            return Converted(sign_extend(sign_extended, FEATURE).astype(np.int8), none, none)
        product = (sign_extended - offset) * arithmetic.reading(self.scale, CVT_SCALE)
        rounded = round_shift(product, self.truncate_bits, CVT_PRODUCT, CVT_IN, arithmetic=arithmetic)
        out = arithmetic.clipping(rounded.value, FEATURE)
        return Converted(out.value.astype(np.int8), rounded.saturated, out.saturated)
