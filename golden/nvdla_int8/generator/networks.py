"""Random small networks for the compiler: branches, addends, concatenations, groups, layers of all engines."""

import numpy as np
from numpy.typing import NDArray

from nvdla_int8.build import Build
from nvdla_int8.generator.draws import Draws
from nvdla_int8.generator.lrn import draw_lrn
from nvdla_int8.generator.pooling import draw_pooling
from nvdla_int8.generator.pooling_shapes import draw_windows
from nvdla_int8.generator.sdp_stages import draw_output_converter, draw_stage, typical_size
from nvdla_int8.network.network import Network, NetworkLayer
from nvdla_int8.stages.any_program import AnyProgram
from nvdla_int8.stages.concat_program import ConcatProgram
from nvdla_int8.stages.convolution import ConvGeometry
from nvdla_int8.stages.input_converter import InputConverter
from nvdla_int8.stages.layer_program import LayerProgram
from nvdla_int8.stages.lrn_program import LrnProgram
from nvdla_int8.stages.pooling_program import PoolingProgram
from nvdla_int8.stages.sdp import AluAlgo, Source, XStage
from nvdla_int8.stages.sdp_program import SdpProgram
from nvdla_int8.stages.widths import FEATURE

INPUT = "input"
SIZES = (1, 3, 5, 6, 8, 9, 12)
KINDS = ("convolution", "convolution", "grouped", "sdp", "sdp", "pooling", "concat", "concat", "lrn")
MOST_CHANNELS = 48


def draw_network(draws: Draws, build: Build) -> tuple[Network, NDArray[np.integer]]:
    """Draw a network and its input, int8 features or uint8 pixels (C, H, W); RejectedError when no windows fit."""
    return _Drawer(draws, build).draw()


class _Drawer:
    """Layers are drawn one after the other, over tensors whose values are known.

    Parameters
    ----------
    draws
        The source of every choice.
    build
        The build.
    """

    def __init__(self, draws: Draws, build: Build) -> None:
        self._draws = draws
        self._atom = build.memory_atom
        self._layers: list[NetworkLayer] = []
        self._tensors: dict[str, NDArray[np.int8]] = {}
        self._pixels: NDArray[np.uint8] | None = None

    def draw(self) -> tuple[Network, NDArray[np.integer]]:
        draws = self._draws
        size = draws.pick(SIZES), draws.pick(SIZES)
        if draws.chance(0.3):
            self._pixels = draws.int8((draws.between(1, 4), *size)).view(np.uint8)
            self._image_convolution(self._pixels)
        else:
            self._tensors[INPUT] = draws.int8((draws.around((self._atom,), 3 * self._atom), *size))
        for _ in range(draws.between(3, 7)):
            self._add_layer(draws.pick(KINDS))
        read = {name for layer in self._layers for name in layer.inputs}
        unread = tuple(layer.output for layer in self._layers if layer.output not in read)
        also = tuple(layer.output for layer in self._layers if layer.output in read and draws.chance(0.1))
        return Network(tuple(self._layers), INPUT, (*unread, *also)), self._values(INPUT)

    def _add_layer(self, kind: str) -> None:
        source = self._draws.pick([*self._tensors, *list(self._tensors)[-2:] * 2])
        joined = self._joined(source) if kind == "concat" else []
        if len(joined) > 1:
            self._add(ConcatProgram(name=self._name("concat")), *joined)
        elif kind in ("sdp", "concat"):
            program = SdpProgram(name=self._name("sdp"))
            self._with_sdp(program, source, self._tensors[source].astype(np.int32))
        elif kind == "pooling":
            _, height, width = self._tensors[source].shape
            rows = draw_windows(self._draws, "height", height, most_unused=0)
            columns = draw_windows(self._draws, "width", width, most_unused=0)
            window = draw_pooling(self._draws, rows, columns)
            self._add(PoolingProgram(name=self._name("pool"), window=window), source)
        elif kind == "lrn":
            lrn, _ = draw_lrn(self._draws, self._tensors[source], len(self._tensors[source]))
            self._add(LrnProgram(name=self._name("lrn"), lrn=lrn), source)
        else:
            self._convolution(source, grouped=kind == "grouped")

    # ---- Layers ----------------------------------------------------------------------------------

    def _image_convolution(self, pixels: NDArray[np.uint8]) -> None:
        draws = self._draws
        weights = draws.int8((draws.around((self._atom,), 3 * self._atom), len(pixels), *self._kernel(pixels)))
        converter = InputConverter(enabled=True, pixel=True, unsigned=True, offset=draws.between(0, 255))
        program = LayerProgram(name=self._name("image"), weights=weights, input_converter=converter)
        self._with_sdp(program, INPUT, program.run(pixels).accumulators)

    def _convolution(self, source: str, *, grouped: bool) -> None:
        draws, atom = self._draws, self._atom
        data = self._tensors[source]
        groups = len(data) // atom if grouped and len(data) % atom == 0 else 1
        channels = len(data) // groups
        kernels = draws.around((atom,), 3 * atom) if groups == 1 else groups * atom * draws.between(1, 2)
        kernel = self._kernel(data)
        geometry = ConvGeometry(
            stride_y=draws.pick((1, 1, 2)), stride_x=draws.pick((1, 1, 2)), groups=groups,
            pad_top=kernel[0] // 2, pad_bottom=(kernel[0] - 1) // 2, pad_left=kernel[1] // 2,
            pad_right=(kernel[1] - 1) // 2, pad_value=draws.pick((0, draws.signed(FEATURE))),
        )  # fmt: skip
        addends = [one for one in self._tensors.values() if len(one) % atom == 0]
        if groups == 1 and addends and draws.chance(0.4):  # as many channels as a tensor that could be added
            kernels = len(draws.pick(addends))
        program = LayerProgram(
            name=self._name("conv"), geometry=geometry, weights=draws.int8((kernels, channels, *kernel))
        )
        self._with_sdp(program, source, program.run(data).accumulators)

    def _kernel(self, data: NDArray[np.integer]) -> tuple[int, int]:
        height, width = data.shape[-2:]
        return min(self._draws.pick((1, 1, 2, 3, 3)), height), min(self._draws.pick((1, 1, 2, 3, 3)), width)

    def _joined(self, source: str) -> list[str]:
        """Tensors that can be concatenated; less than two where nothing of whole atoms has the source's size."""
        draws = self._draws
        fitting = [name for name, one in self._tensors.items() if one.shape[1:] == self._tensors[source].shape[1:]]
        whole = [name for name in fitting if len(self._tensors[name]) % self._atom == 0]
        names = [draws.pick(whole) for _ in range(draws.between(1, 2)) if whole] + [draws.pick(fitting)]
        channels = np.cumsum([len(self._tensors[name]) for name in names])
        return [name for name, sum_so_far in zip(names, channels, strict=True) if sum_so_far <= MOST_CHANNELS]

    def _with_sdp(self, program: LayerProgram | SdpProgram, source: str, values: NDArray[np.int32]) -> None:
        """Add a layer with random X1, X2, perhaps an addend, and output converter for values (C, H, W)."""
        draws = self._draws
        changes: dict[str, object] = {}
        inputs = [source]
        addends = [name for name, one in self._tensors.items() if one.shape == values.shape]
        for which in ("x1", "x2"):
            if which == "x2" and addends and draws.chance(0.7):
                inputs.append(draws.pick(addends))
                stage = self._adding_stage(values)
                changes |= {"takes_addend": True, which: stage}
                values = stage.apply(values, alu=self._tensors[inputs[-1]].astype(np.int16)).value
                continue
            stage, operands = draw_stage(draws, values, self._atom)
            alu, mul = (
                None if operands is None or one is None else one[: len(values)]
                for one in ((operands.alu, operands.mul) if operands else (None, None))
            )
            changes |= {which: stage, f"{which}_alu": alu, f"{which}_mul": mul}
            values = stage.apply(values, alu=alu, mul=mul).value
        changes["output_converter"] = draw_output_converter(draws, values)
        self._add(program.model_copy(update=changes), *inputs)

    def _adding_stage(self, values: NDArray[np.int32]) -> XStage:
        """X2 with an addend that neither drowns the values nor drowns in them."""
        draws = self._draws
        fitting = max(0, typical_size(values).bit_length() - FEATURE + draws.between(-1, 2))
        return XStage(
            bypass=False,
            alu_bypass=False,
            alu_algo=draws.pick((AluAlgo.MAX, AluAlgo.MIN, AluAlgo.SUM, AluAlgo.SUM)),
            alu_source=Source.MEM,
            alu_shift_bits=fitting,
            relu=draws.chance(0.4),
        )

    # ---- Tensors ---------------------------------------------------------------------------------

    def _name(self, kind: str) -> str:
        return f"{kind}{len(self._layers)}"

    def _add(self, program: AnyProgram, *inputs: str) -> None:
        output = f"tensor{len(self._layers)}"
        self._layers.append(NetworkLayer(program, inputs, output))
        self._tensors[output] = program.run(*map(self._values, inputs)).output

    def _values(self, name: str) -> NDArray[np.integer]:
        return self._pixels if name == INPUT and self._pixels is not None else self._tensors[name]
