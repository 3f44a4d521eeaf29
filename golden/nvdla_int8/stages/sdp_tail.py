"""What SDP does to a layer's values: X1, X2, output converter, and their memory operands (hardware.md section 2)."""

import os
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import ConfigDict, Field, SkipValidation

from nvdla_int8.errors import BenchError, located, writing
from nvdla_int8.json_files import write_json
from nvdla_int8.parameters import Flag, Parameters
from nvdla_int8.stages.accumulator import Accumulator
from nvdla_int8.stages.blocks import Index, count_true, spread_flags
from nvdla_int8.stages.float_rounding import Extent
from nvdla_int8.stages.program_files import read_arrays, read_header
from nvdla_int8.stages.sdp import Operand, OutputConverter, XStage
from nvdla_int8.stages.sdp_blocks import XBlocks
from nvdla_int8.stages.tail_blocks import TailBlocks
from nvdla_int8.stages.tensor_scale import Scale
from nvdla_int8.threads import in_threads

OPERANDS = ("x1_alu", "x1_mul", "x2_alu", "x2_mul")
"""The memory operands, as :class:`SdpTail` names them."""

_Operand = Annotated[Operand | None, SkipValidation, Field(exclude=True)]


class SdpTail(Parameters):
    """Base of the layer programs whose output SDP writes.

    Attributes
    ----------
    name
        The layer's name, for messages.
    x1, x2, output_converter
        Parameters of the stages.
    takes_addend
        X2's ALU takes its operand from a second int8 tensor of the output's shape, element by element: another
        layer's output, one byte each, shifted left like any operand.
    x1_alu, x1_mul, x2_alu, x2_mul
        Memory operands, (K,) per kernel or (K, Ho, Wo) per element int16, where the stage reads one.
    input_scale, addend_scale, output_scale
        What the layer's input (after conversion), addend and output bytes mean, when known.

    Raises
    ------
    BenchError
        When a field does not fit its bits, an array has another dtype or rank, or an operand does
        not belong to the stages' sources.
    """

    model_config = ConfigDict(arbitrary_types_allowed=True)

    format: str
    name: str
    x1: XStage = XStage()
    x2: XStage = XStage()
    output_converter: OutputConverter = OutputConverter()
    takes_addend: Flag = False
    input_scale: Scale = None
    addend_scale: Scale = None
    output_scale: Scale = None
    x1_alu: _Operand = None
    x1_mul: _Operand = None
    x2_alu: _Operand = None
    x2_mul: _Operand = None

    def model_post_init(self, _context: object) -> None:
        """Check the operands against the stages, so that ``run`` cannot fail half-way."""
        if self.takes_addend and not (self.x2.reads_alu and self.x2_alu is None and not self.x2.reads_mul):
            raise BenchError(f"layer {self.name}: an addend takes X2's ALU reading memory, without other X2 operands")
        kernels = self._kernels()
        for operand_name in OPERANDS:
            stage_name, what = operand_name.split("_")
            stage: XStage = getattr(self, stage_name)
            wanted = stage.reads_alu if what == "alu" else stage.reads_mul
            operand: Operand | None = getattr(self, operand_name)
            if self.takes_addend and operand_name == "x2_alu":
                continue
            if wanted and operand is None:
                raise BenchError(f"layer {self.name}: {stage_name} reads its {what} operand from memory, none is given")
            if operand is None:
                continue
            if not wanted:
                raise BenchError(f"layer {self.name}: {operand_name} is given, but {stage_name} does not read it")
            is_int16 = isinstance(operand, np.ndarray) and operand.dtype == np.int16
            if not is_int16 or operand.ndim not in (1, 3) or operand.shape[0] != (kernels or operand.shape[0]):
                count = kernels or "C"
                raise BenchError(
                    f"layer {self.name}: {operand_name} must be int16 ({count},) or ({count}, Ho, Wo), "
                    f"got {describe(operand)}"
                )
            kernels = operand.shape[0]

    def __eq__(self, other: object) -> bool:
        """Equal parameters and equal arrays."""
        if not isinstance(other, type(self)):
            return NotImplemented
        mine, theirs = self._arrays(), other._arrays()
        return (
            self.model_dump() == other.model_dump()
            and mine.keys() == theirs.keys()
            and all(np.array_equal(mine[key], theirs[key]) for key in mine)
        )

    __hash__ = None  # type: ignore[assignment]  # arrays can change

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write ``path`` (readable JSON) and beside it the arrays, with the suffix ``.npz``."""
        path = Path(path)
        write_json(self.model_dump(mode="json"), path)
        arrays: dict[str, Any] = self._arrays()
        arrays_path = path.with_suffix(".npz")
        with writing(arrays_path):
            np.savez_compressed(arrays_path, **arrays)

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Self:
        """Read what :meth:`save` wrote.

        Raises
        ------
        BenchError
            One line with the file, the field and the value, whatever is wrong with the two files.
        """
        path = Path(path)
        header = read_header(path)
        arrays = read_arrays(path, set(cls._array_names()), header)
        with located(str(path)):
            return cls(**header, **arrays)

    def _kernels(self) -> int:
        """Channels of the output; 0 when the program alone does not tell."""
        return 0

    @classmethod
    def _array_names(cls) -> tuple[str, ...]:
        return OPERANDS

    def _arrays(self) -> dict[str, NDArray[Any]]:
        candidates = {name: getattr(self, name) for name in self._array_names()}
        return {name: array for name, array in candidates.items() if array is not None}

    def _run_tiles(
        self,
        shape: tuple[int, ...],
        sums: Callable[[Index], NDArray[np.signedinteger]],
        extent: Extent,
        tiles: Sequence[Index],
        addend: NDArray[np.integer] | None,
        kept: Mapping[str, NDArray[np.int32]],
        accumulator: Accumulator,
    ) -> tuple[NDArray[np.int8], dict[str, int]]:
        """CACC's delivery, X1, X2 and the output converter, on tiles that threads take in turn.

        Parameters
        ----------
        shape
            (N, K, Ho, Wo).
        sums
            Gives those of a tile, at most 34 bits.
        extent
            Bounds of all sums.
        tiles
            All of the output, each element once.
        addend
            int8 of the shape, exactly when the program takes one.
        kept
            Where results of stages go, as for ``TailBlocks``.
        accumulator
            CACC's parameters.

        Returns
        -------
        output, counts
            The bytes, and the elements that each step clipped.
        """
        if self.takes_addend != (addend is not None):
            raise BenchError("an addend is given, it takes none" if addend is not None else "it takes an addend")
        x2_alu = self.x2_alu if addend is None else addend.astype(np.int16)
        x1, x1_operand = self._stage_on_blocks(self.x1, shape, self.x1_alu, self.x1_mul)
        x2, x2_operand = self._stage_on_blocks(self.x2, shape, x2_alu, self.x2_mul)
        output = np.empty(shape, np.int8)
        tail = TailBlocks(extent, accumulator, x1, x2, self.output_converter.on_blocks(), output, kept)
        clipped = sum(in_threads(lambda tile: tail.part(tile).run(sums(tile)), tiles), Counter[str]())
        counts = {
            "cacc_32": clipped["cacc_32"],
            "x1_operand": x1_operand,
            "x1": clipped["x1"],
            "x2_operand": x2_operand,
            "x2": clipped["x2"],
            "output_17": clipped["output_17"],
            "output_8": clipped["output_8"],
        }
        return output, counts

    @staticmethod
    def _stage_on_blocks(
        stage: XStage, shape: tuple[int, ...], alu: Operand | None, mul: Operand | None
    ) -> tuple[XBlocks | None, int]:
        """A stage for blocks, None when bypassed, and how many of its ALU's operands clip."""
        operands = stage.operands(shape, alu, mul)
        if stage.bypass:
            return None, 0
        blocks, saturated = stage.on_blocks(*operands)
        return blocks, count_true(spread_flags(saturated, shape))


def describe(array: object) -> str:
    """An array's dtype and shape, for messages."""
    return f"{array.dtype} {array.shape}" if isinstance(array, np.ndarray) else repr(array)
