"""Why operators are refused, and which unit would have to do them."""

from collections.abc import Mapping

from nvdla_int8.network.onnx_graph import Node

_CURVE = "a curve of each element: the table of SDP's EW unit would have to do it, which nv_small does not have"
_ARITHMETIC = "arithmetic of each element: an EW unit would have to do it, which nv_small does not have"
_STATISTICS = "statistics of each image: a unit with sums and divisions would have to do it, which NVDLA does not have"
_AT_THE_END = "only at the end of a network the host does it: here layers of the hardware go on with its result"

MISSING: Mapping[str, str] = {
    "ConvTranspose": "a convolution that enlarges: CDMA would have to put zeros between pixels, which nv_small cannot",
    **dict.fromkeys(("ConvInteger", "MatMulInteger"), "sums of 32 bits as its result: SDP hands on 8"),
    "DynamicQuantizeLinear": "a scale of each image: the output converter's is programmed before the network runs",
    **dict.fromkeys(("Celu", "Elu", "Erf", "Gelu", "HardSwish", "Mish", "Selu", "Softplus", "Swish"), _CURVE),
    **dict.fromkeys(("Exp", "HardSigmoid", "Log", "Sigmoid", "Softsign", "Sqrt", "Tanh", "ThresholdedRelu"), _CURVE),
    **dict.fromkeys(("Abs", "Mod", "Pow", "Reciprocal", "Where"), _ARITHMETIC),
    **dict.fromkeys(("GroupNormalization", "InstanceNormalization", "LayerNormalization"), _STATISTICS),
    **dict.fromkeys(("LpNormalization", "MeanVarianceNormalization"), _STATISTICS),
    **dict.fromkeys(("ArgMax", "ArgMin", "Hardmax", "LogSoftmax", "Softmax", "TopK"), _AT_THE_END),
    **dict.fromkeys(("GRU", "LSTM", "RNN"), "a recurrent layer: the host would have to do it, step by step"),
}


def why_missing(node: Node) -> str:
    """Why a node is refused, in words behind its name."""
    return MISSING.get(node.operator, "not supported: no unit of nv_small does it")
