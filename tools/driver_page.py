"""Writes ``docs/driver.md`` from its template: a register program of two layers as C for bare metal.

``python -m tools.driver_page``, in a checkout of the repository. A test compiles the page's C and runs it, and
replays the same register program on the core.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jinja2 import Environment, StrictUndefined
from numpy.typing import NDArray

from nvdla_int8.compiler.network_program import NetworkProgram
from nvdla_int8.compiler.program_writer import write_program
from nvdla_int8.network.network import Network
from nvdla_int8.registers.register_map import find_register, unpack
from nvdla_int8.stages.convolution import ConvGeometry
from nvdla_int8.stages.input_converter import InputConverter
from nvdla_int8.stages.layer_program import LayerProgram
from nvdla_int8.stages.sdp import OutputConverter, Source, XStage

REPOSITORY = Path(__file__).parents[1]
TEMPLATE = REPOSITORY / "docs" / "driver.md.in"
PAGE = REPOSITORY / "docs" / "driver.md"

SIDE = 5
"""Pixels of a side of the example's image."""

BIAS_AND_RELU = XStage(bypass=False, alu_bypass=False, alu_source=Source.MEM, relu=True)


@dataclass(frozen=True)
class Step:
    """One register write as a line of C."""

    address: str
    value: str
    register: str
    fields: str


def render() -> str:
    """Return the page: the template with the program filled in."""
    environment = Environment(
        undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True, keep_trailing_newline=True
    )
    program = example_program()
    before, *_ = program.stretches()
    [mask] = [_step(one.register, one.value) for one in before.operations if one.register == "GLB.S_INTR_MASK"]
    return environment.from_string(TEMPLATE.read_text()).render(
        build=program.build,
        images=program.images,
        passes=program.passes,
        outputs=program.outputs,
        mask=mask,
        steps=lambda writes: [_step(*one) for one in writes],
        address=lambda register: f"0x{find_register(register).address:04x}",
        identifier=lambda region: region.name.replace(" ", "_"),
        rows=_rows,
        hex=hex,
    )


def example_program() -> NetworkProgram:
    """The page's register program: an image through two layers, conv1 in group 0 and conv2 in group 1."""
    return write_program("two_layers", Network.chain([_image_layer(), _feature_layer()]), example_image())


def example_image() -> NDArray[np.uint8]:
    """A bright diagonal on grey, uint8 (1, 5, 5)."""
    image = np.full((1, SIDE, SIDE), 96, np.uint8)
    image[0, range(SIDE), range(SIDE)] = 224
    return image


def _image_layer() -> LayerProgram:
    """Four 3x3 edge kernels on pixels, bias from memory, ReLU."""
    row, column = np.ogrid[-1:2, -1:2]
    kernels = [10 * row + 0 * column, 10 * column + 0 * row, 10 * row * column, 5 * (row - column)]
    return LayerProgram(
        name="conv1",
        geometry=ConvGeometry(pad_top=1, pad_left=1),
        input_converter=InputConverter(enabled=True, pixel=True, unsigned=True, offset=128),
        weights=np.stack(kernels).astype(np.int8)[:, None],
        x1=BIAS_AND_RELU,
        x1_alu=np.array([100, -50, 25, 0], np.int16),
        output_converter=OutputConverter(scale=77, shift_bits=11),
    )


def _feature_layer() -> LayerProgram:
    """Three kernels of 1x1 on conv1's four channels."""
    return LayerProgram(
        name="conv2",
        weights=np.array([[3, -2, 5, 1], [-4, 6, 2, 2], [1, 1, 1, 1]], np.int8)[:, :, None, None],
        x1=BIAS_AND_RELU,
        x1_alu=np.array([16, 8, -8], np.int16),
        output_converter=OutputConverter(scale=51, shift_bits=8),
    )


def _step(register: str, value: int) -> Step:
    fields = []
    for name, field in find_register(register).fields.items():
        number = unpack(register, value, name)
        if number:
            named = {code: text for text, code in field.enum.items()}
            fields.append(f"{name}={named.get(number, number)}")
    return Step(f"0x{find_register(register).address:04x}", f"0x{value:08x}", register, ", ".join(fields))


def _rows(data: bytes) -> list[str]:
    """Lines of a C array, 16 bytes each."""
    return [", ".join(f"0x{byte:02x}" for byte in data[at : at + 16]) + "," for at in range(0, len(data), 16)]


if __name__ == "__main__":
    PAGE.write_text(render())
