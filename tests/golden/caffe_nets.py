"""Small Caffe networks, prototxt and caffemodel, of either generation."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
from numpy.typing import NDArray

from nvdla_int8.network.caffe_schema import NetParameter
from nvdla_int8.seeds import generator

Reals = NDArray[np.float32]

INPUT = 'layer { name: "data" type: "Input" top: "data" input_param { shape { dim: 1 dim: %d dim: %d dim: %d } } }\n'


def data(*shape: int) -> str:
    """The input layer of an image of (C, H, W)."""
    return INPUT % shape


def layer(name: str, kind: str, bottom: str, top: str | None = None, parameters: str = "") -> str:
    """A layer's text with what training leaves in such files; ``bottom`` may be several, in spaces."""
    bottoms = " ".join(f'bottom: "{one}"' for one in bottom.split())
    return (
        f'layer {{ name: "{name}" type: "{kind}" {bottoms} top: "{top or name}" '
        f"param {{ lr_mult: 1 decay_mult: 0 }} {parameters} }}\n"
    )


def draw(*shape: int) -> Reals:
    """Weights, the same for the same shape."""
    return generator(f"caffe weights {shape}").normal(0, 0.5, shape).astype(np.float32)


def write_net(
    folder: Path, text: str, weights: Mapping[str, Sequence[Reals]], *, old: bool = False, extra: bytes = b""
) -> Path:
    """Write net.prototxt, whose path comes back, and net.caffemodel; old ones keep all blobs in four dimensions."""
    net = NetParameter(name="net")
    for name, arrays in weights.items():
        of_layer = (net.layers if old else net.layer).add(name=name)
        for array in arrays:
            blob = of_layer.blobs.add()
            blob.data.extend(array.reshape(-1).tolist())
            if old:
                sizes = [1] * (4 - array.ndim) + list(array.shape)
                blob.num, blob.channels, blob.height, blob.width = sizes
            else:
                blob.shape.dim.extend(array.shape)
    (folder / "net.caffemodel").write_bytes(net.SerializeToString() + extra)
    path = folder / "net.prototxt"
    path.write_text('name: "net"\n' + text)
    return path


def run(model: onnx.ModelProto, image: NDArray[Any]) -> dict[str, Reals]:
    """All tensors that a model gives for one image (C, H, W), by name."""
    onnx.checker.check_model(model, full_check=True)
    everything = onnx.ModelProto()
    everything.CopyFrom(model)
    del everything.graph.output[:]
    names = [name for node in model.graph.node for name in node.output]
    everything.graph.output.extend(onnx.helper.make_empty_tensor_value_info(name) for name in names)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(everything.SerializeToString(), options)
    values = session.run(names, {model.graph.input[0].name: image[None].astype(np.float32)})
    return {name: value[0] for name, value in zip(names, values, strict=True)}
