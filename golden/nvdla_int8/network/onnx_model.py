"""Loads an ONNX file, and makes it ready to be read: float32, one image, constants folded, shapes known."""

import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
from google.protobuf.message import DecodeError
from numpy.typing import NDArray
from onnx import numpy_helper

from nvdla_int8.errors import BenchError, file_trouble, located
from nvdla_int8.network.onnx_input import InputLayout, find_layout
from nvdla_int8.network.onnx_qoperators import KeptScale, with_real_operators
from nvdla_int8.onnx_session import onnxruntime_trouble, open_session, session_options

NOT_A_MODEL = (
    DecodeError,
    onnx.checker.ValidationError,
    ValueError,  # tensors in files beside it that are too short, or begin before them; names that are not UTF-8
    KeyError,
    TypeError,
    OverflowError,
)
"""What ONNX's own loader and checker raise for damaged files, depending on where the damage is."""

IR_VERSION = 8
"""Of models made here."""

OTHER_FLOATS = (onnx.TensorProto.FLOAT16, onnx.TensorProto.BFLOAT16, onnx.TensorProto.DOUBLE)

KEPT_AS_THEY_ARE = (
    "BiasDropoutFusion",
    "CastElimination",
    "ClipQuantRewrite",
    "CommonSubexpressionElimination",
    "ConstantSharing",
    "ConvAddFusion",
    "ConvBNFusion",
    "ConvMulFusion",
    "DivMulFusion",
    "DoubleQDQPairsRemover",
    "EliminateDropout",
    "EliminateIdentity",
    "EliminateSlice",
    "ExpandElimination",
    "FuseReluClip",
    "GatherToSliceFusion",
    "GemmActivationFusion",
    "GemmSumFusion",
    "GemmTransposeFusion",
    "MatMulAddFusion",
    "MatMulScaleFusion",
    "MatMul_BatchNormalization_Fusion",
    "MatmulTransposeFusion",
    "NoopElimination",
    "NotWhereFusion",
    "Pad_Fusion",
    "PreShapeNodeElimination",
    "QDQPropagationTransformer",
    "ReluQuantRewrite",
    "ReshapeFusion",
    "TransposeOptimizer",
    "UnsqueezeElimination",
    "WeightBiasQuantization",
)
"""What onnxruntime's basic optimisation does beside folding constants: it would make the file's tensors others."""


class CannotFold(BenchError):
    """The graph cannot be loaded, mostly because of one of its operators."""


@dataclass(frozen=True)
class ReadableModel:
    """A model as its nodes can be read.

    Attributes
    ----------
    model
        What float execution runs: as in the file, but float32 throughout, and real operators in place of those that
        work on integers.
    folded
        The same for one image of a known size: every computation on constants is done, every tensor's shape known.
    layout
        How images lie in the graph's input.
    kept
        Of a quantised network, what the values of weights are integer multiples of.
    """

    model: onnx.ModelProto
    folded: onnx.ModelProto
    layout: InputLayout
    kept: Mapping[str, KeptScale]


def load_onnx(path: Path) -> onnx.ModelProto:
    """Load and check an ONNX file, with the tensors that it keeps in files beside it; BenchError when it is none."""
    try:
        model = onnx.load(path, format="protobuf")  # whatever the suffix
        onnx.checker.check_model(model)
        _check_names(model.graph)
    except OSError as error:
        raise BenchError(f"{path}: cannot be read as ONNX: {file_trouble(error)}") from None
    except NOT_A_MODEL as error:
        first_line = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise BenchError(f"{path}: cannot be read as ONNX: {first_line}") from None
    return model


def _check_names(graph: onnx.GraphProto) -> None:
    """Raise ValueError for text that is not UTF-8, which protobuf hands on as bytes."""
    names: list[object] = [value.name for value in (*graph.initializer, *graph.input, *graph.output)]
    for node in graph.node:
        names += [node.name, node.op_type, node.domain, *node.input, *node.output]
        names += [attribute.name for attribute in node.attribute]
    for name in names:
        if not isinstance(name, str):
            raise ValueError(f"the name {name!r} is not UTF-8")


def readable(model: onnx.ModelProto, image_size: tuple[int, int] | None) -> ReadableModel:
    """Make a model ready to be read.

    Parameters
    ----------
    model
        A checked model with one input.
    image_size
        Height and width of the images, for a model that does not declare them.

    Raises
    ------
    BenchError
        An input that cannot be images, or an unknown size; CannotFold for a model that onnxruntime cannot load.
    """
    model, kept = with_real_operators(in_float32(model))
    layout = find_layout(model.graph, image_size)
    with_size = _of_one_image(model, layout)
    try:
        return ReadableModel(model, fold_constants(with_size), layout, kept)
    except BenchError as error:
        raise CannotFold(str(error)) from None


def in_float32(model: onnx.ModelProto) -> onnx.ModelProto:
    """Copy a model with float32 in place of all other floating-point types."""
    copy = onnx.ModelProto()
    copy.CopyFrom(model)
    for graph in _graphs(copy.graph):
        del graph.value_info[:]
        for tensor in graph.initializer:
            _tensor_in_float32(tensor)
        for value in (*graph.input, *graph.output):
            if value.type.tensor_type.elem_type in OTHER_FLOATS:
                value.type.tensor_type.elem_type = onnx.TensorProto.FLOAT
        for node in graph.node:
            for attribute in node.attribute:
                if attribute.type == onnx.AttributeProto.TENSOR:
                    _tensor_in_float32(attribute.t)
                elif attribute.name in ("to", "dtype") and attribute.i in OTHER_FLOATS:
                    attribute.i = onnx.TensorProto.FLOAT
    return copy


def fold_constants(model: onnx.ModelProto) -> onnx.ModelProto:
    """Compute all that depends on constants and shapes alone, by onnxruntime; then infer every shape.

    Raises
    ------
    BenchError
        For a model that onnxruntime cannot load, with its reason.
    """
    options = session_options()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_BASIC
    with tempfile.TemporaryDirectory() as folder:
        options.optimized_model_filepath = f"{folder}/folded.onnx"
        with onnxruntime_trouble("onnxruntime cannot load it"):
            onnxruntime.InferenceSession(
                model.SerializeToString(),
                options,
                providers=["CPUExecutionProvider"],
                disabled_optimizers=KEPT_AS_THEY_ARE,
                enable_fallback=0,
            )
            folded = onnx.load(options.optimized_model_filepath)
            return onnx.shape_inference.infer_shapes(folded, data_prop=True)


def run_alone(graph: onnx.GraphProto, opset: int, *inputs: NDArray[np.generic]) -> list[NDArray[np.generic]]:
    """Run a small graph as it stands; its outputs. BenchError with onnxruntime's reason when it cannot."""
    model = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", opset)], ir_version=IR_VERSION)
    with onnxruntime_trouble("onnxruntime cannot run it"):
        session = open_session(model, session_options())
        names = [value.name for value in session.get_inputs()]
        return list(session.run(None, dict(zip(names, inputs, strict=True))))


def _of_one_image(model: onnx.ModelProto, layout: InputLayout) -> onnx.ModelProto:
    """Copy the model with its input's shape fixed, and real; what it declares of its outputs is left to inference."""
    copy = onnx.ModelProto()
    copy.CopyFrom(model)
    del copy.graph.node[:]
    for node in model.graph.node:
        takes_pixels = node.op_type == "DequantizeLinear" and node.input[0] == layout.name
        copy.graph.node.extend(_real_pixels(node) if takes_pixels else [node])
    for value in copy.graph.input:
        if value.name == layout.name:
            value.CopyFrom(onnx.helper.make_tensor_value_info(layout.name, onnx.TensorProto.FLOAT, layout.shape))
    for value in copy.graph.output:
        value.type.tensor_type.ClearField("shape")
    return copy


def _real_pixels(node: onnx.NodeProto) -> list[onnx.NodeProto]:
    """DequantizeLinear of pixels in real numbers: a mean and a scale, and that the result is in steps of these."""
    pixels, scale, *zero = node.input
    [output] = node.output
    nodes: list[onnx.NodeProto] = []
    if zero:
        nodes.append(onnx.helper.make_node("Cast", zero, [f"{output} (zero)"], to=onnx.TensorProto.FLOAT))
        nodes.append(onnx.helper.make_node("Sub", [pixels, f"{output} (zero)"], [f"{output} (centred)"]))
        pixels = f"{output} (centred)"
    nodes.append(onnx.helper.make_node("Mul", [pixels, scale], [f"{output} (real)"]))
    nodes.append(onnx.helper.make_node("QuantizeLinear", [f"{output} (real)", scale, *zero], [f"{output} (integers)"]))
    return [*nodes, onnx.helper.make_node("DequantizeLinear", [f"{output} (integers)", scale, *zero], [output])]


def _graphs(graph: onnx.GraphProto) -> Iterator[onnx.GraphProto]:
    """Yield a graph and those in its nodes' attributes."""
    yield graph
    for node in graph.node:
        for attribute in node.attribute:
            if attribute.type == onnx.AttributeProto.GRAPH:
                yield from _graphs(attribute.g)


def _tensor_in_float32(tensor: onnx.TensorProto) -> None:
    if tensor.data_type in OTHER_FLOATS:
        with located(f"initializer {tensor.name!r}"), np.errstate(over="ignore"):  # what is not finite is refused
            try:
                values = numpy_helper.to_array(tensor).astype(np.float32)
            except (ValueError, TypeError) as error:
                raise BenchError(f"its values cannot be read: {' '.join(str(error).split())}") from None
        tensor.CopyFrom(numpy_helper.from_array(values, tensor.name))
