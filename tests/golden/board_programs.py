"""The register program of a plain board's layer, and which causes of the catalogue make a board's bytes."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from nvdla_int8.checkup.cause import Cause, Scene
from nvdla_int8.checkup.causes.catalogue import Suggest
from nvdla_int8.checkup.layer_trial import LayerRunner
from nvdla_int8.checkup.replay import NoRoomError
from nvdla_int8.surfaces.memory import Memory
from tests.golden.plain_board import PlainBoard, PlainStage
from tests.golden.planted import Program
from tests.golden.register_programs import INPUT, OPERAND_NAMES, WEIGHTS, Convolution, RegisterLayer, with_operands

Named = tuple[str, str]
"""A cause's key and unit."""


@dataclass
class Explained:
    """A right board's layer, and what each cause of the catalogue makes of it."""

    program: Program
    scene: Scene
    causes: list[Cause]
    outputs: list[NDArray[np.uint8] | None]

    def by(self, output: NDArray[np.uint8]) -> set[Named]:
        """Causes that give these bytes, (lanes, H, W)."""
        found = zip(self.causes, self.outputs, strict=True)
        return {(one.key, one.unit) for one, made in found if made is not None and np.array_equal(made, output)}

    @property
    def names(self) -> set[Named]:
        """All that is suggested."""
        return {(one.key, one.unit) for one in self.causes}

    def words(self, key: str) -> list[str]:
        """Those of the causes with a key."""
        return [one.words for one in self.causes if one.key == key]


def explained(board: PlainBoard, suggestions: Iterable[Suggest], *, one_byte: Iterable[str] = ()) -> Explained:
    """Run the layer with each cause of some parts of the catalogue.

    Parameters
    ----------
    board
        The right one: it must give golden's bytes.
    suggestions
        The parts.
    one_byte
        Stages, ``x1`` or ``x2``, whose operands have one byte.
    """
    program = program_of(board, one_byte)
    scene = program.scene()
    assert np.array_equal(scene.expected, board.bytes()), "the board and golden agree where no mistake is planted"
    causes = [cause for suggest in suggestions for cause in suggest(scene)]
    runner = LayerRunner(scene)
    return Explained(program, scene, causes, [_output(runner, cause) for cause in causes])


def _output(runner: LayerRunner, cause: Cause) -> NDArray[np.uint8] | None:
    try:
        return runner.run([cause], None).output.view(np.uint8)
    except NoRoomError:
        return None


def program_of(board: PlainBoard, one_byte: Iterable[str] = ()) -> Program:
    """The layer with input, weights and operands in memory."""
    kernels, channels, *kernel = board.weights.shape
    shape = Convolution(
        channels=channels, height=board.data.shape[1], width=board.data.shape[2], kernels=kernels,
        kernel=(kernel[0], kernel[1]), padding=(0, 0, 0, 0),
    )  # fmt: skip
    memory = Memory()
    shape.place(memory, board.data.astype(np.int8), board.weights.astype(np.int8))
    size = shape.line_bytes * shape.height * -(-channels // 8)
    host = {INPUT: memory.read_bytes(INPUT, size), WEIGHTS: memory.read_bytes(WEIGHTS, board.weights.size)}
    layer = shape.layer().but(
        {
            "SDP.D_CVT_OFFSET.CVT_OFFSET": board.offset,
            "SDP.D_CVT_SCALE.CVT_SCALE": board.scale,
            "SDP.D_CVT_SHIFT.CVT_SHIFT": board.shift,
            "CACC.D_CLIP_CFG.CLIP_TRUNCATE": board.cacc_shift,
        }
    )
    if board.in_scale is not None:
        layer = layer.but(
            {
                "CDMA.D_CVT_CFG.CVT_EN": 1,
                "CDMA.D_CVT_CFG.CVT_TRUNCATE": board.in_shift,
                "CDMA.D_CVT_OFFSET.CVT_OFFSET": board.in_offset,
                "CDMA.D_CVT_SCALE.CVT_SCALE": board.in_scale,
            }
        )
    for which, stage in (("x1", board.x1), ("x2", board.x2)):
        layer = _with_stage(layer, host, which, stage, 1 if which in one_byte else 2)
    return Program([layer], host)


def _with_stage(
    layer: RegisterLayer, host: dict[int, bytes], which: str, stage: PlainStage, element_bytes: int
) -> RegisterLayer:
    """The stage's registers; its operands, arrays of all lanes, go to memory."""
    _, prefix, base = OPERAND_NAMES[which]
    if stage.bypassed:
        return layer
    operands = {"ALU": stage.alu, "MUL": stage.mul}
    arrays = {name: operand for name, operand in operands.items() if isinstance(operand, np.ndarray)}
    if arrays:
        use = "BOTH" if len(arrays) == 2 else next(iter(arrays))
        per_element = next(iter(arrays.values())).shape[1:] != (1, 1)
        layer = with_operands(layer, which, use, element_bytes=element_bytes, per_element=per_element)
        host[base] = _stream(list(arrays.values()), element_bytes)
    fields: dict[str, int | str] = {
        f"CFG.{prefix}_BYPASS": 0,
        f"CFG.{prefix}_ALU_ALGO": "SUM",
        f"CFG.{prefix}_MUL_PRELU": int(stage.prelu),
        f"CFG.{prefix}_RELU_BYPASS": int(not stage.relu),
        f"ALU_CFG.{prefix}_ALU_SHIFT_VALUE": stage.alu_shift,
        f"MUL_CFG.{prefix}_MUL_SHIFT_VALUE": stage.shift,
    }
    for name, operand in operands.items():
        fields[f"CFG.{prefix}_{name}_BYPASS"] = int(operand is None)
        if isinstance(operand, int):
            fields[f"{name}_SRC_VALUE.{prefix}_{name}_OPERAND"] = operand
    return layer.but({f"SDP.D_DP_{prefix}_{field}": value for field, value in fields.items()})


def _stream(operands: list[NDArray[np.int64]], element_bytes: int) -> bytes:
    """Units of eight lanes, pixel by pixel: lane, ALU before MUL, low byte first."""
    lanes, height, width = operands[0].shape
    found = bytearray()
    for first in range(0, lanes, 8):
        for y in range(height):
            for x in range(width):
                for lane in range(first, first + 8):
                    for operand in operands:
                        found += int(operand[lane, y, x]).to_bytes(element_bytes, "little", signed=True)
    return bytes(found)
