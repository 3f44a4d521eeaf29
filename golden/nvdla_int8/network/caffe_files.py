"""Reads a prototxt and its caffemodel: the layers of a Caffe network as it runs in phase TEST, with their weights."""

import difflib
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np
from google.protobuf import text_format
from google.protobuf.message import DecodeError
from numpy.typing import NDArray

from nvdla_int8.errors import BenchError, file_trouble
from nvdla_int8.network.caffe_schema import NetParameter

Reals = NDArray[np.float32]

WEIGHTS = ".caffemodel"

V1_SPELLINGS = {
    "ABSVAL": "AbsVal",
    "ARGMAX": "ArgMax",
    "BNLL": "BNLL",
    "HDF5": "HDF5",
    "LRN": "LRN",
    "MVN": "MVN",
    "RELU": "ReLU",
    "TANH": "TanH",
}
"""Parts of the older generation's types that the next one does not merely spell with one capital letter."""


@dataclass(frozen=True)
class CaffeInput:
    """An input of the network: its blob and (N, C, H, W) as declared, whatever their count."""

    layer: str
    blob: str
    dims: tuple[int, ...]


@dataclass(frozen=True)
class CaffeLayer:
    """One layer that runs in phase TEST.

    Attributes
    ----------
    parameters
        The protobuf message of either generation; ``parameters.convolution_param`` and so on.
    weights
        The layer's blobs in the caffemodel; None when that has no layer of this name.
    known
        For messages: the layers there.
    """

    name: str
    type: str
    bottoms: tuple[str, ...]
    tops: tuple[str, ...]
    parameters: Any
    weights: tuple[Reals, ...] | None
    known: Collection[str] = ()

    def __str__(self) -> str:
        return f"{self.type} layer {self.name!r}"

    def shaped_weights(self, *shapes: tuple[int, ...]) -> list[Reals]:
        """Return the layer's blobs in these shapes, where old files have ones in front; BenchError for others."""
        if self.weights is None or (shapes and not self.weights):
            raise BenchError(f"the caffemodel has no weights for it{_near_names(self.name, self.known)}")
        stored = [blob.shape for blob in self.weights]
        if len(stored) != len(shapes):
            raise BenchError(f"the caffemodel has {len(stored)} blobs of weights for it, it takes {len(shapes)}")
        for index, (blob, shape) in enumerate(zip(self.weights, shapes, strict=True)):
            if blob.shape[max(blob.ndim - len(shape), 0) :] != shape or blob.size != np.prod(shape):
                have = f"its weights, blob {index}, have shape {blob.shape} in the caffemodel"
                raise BenchError(f"{have}, the prototxt makes it {shape}")
        return [blob.reshape(shape) for blob, shape in zip(self.weights, shapes, strict=True)]


@dataclass(frozen=True)
class CaffeNet:
    """What a prototxt and its caffemodel say together: inputs, then layers in execution order."""

    path: str
    weights_path: str
    inputs: tuple[CaffeInput, ...]
    layers: tuple[CaffeLayer, ...]


def read_caffe_files(path: Path, weights_path: Path | None) -> CaffeNet:
    """Read both files, of either generation; without ``weights_path`` the caffemodel that lies beside the prototxt.

    Raises
    ------
    BenchError
        One line with the file: it cannot be read, is something else, or the two are of different networks.
    """
    net = _read_prototxt(path)
    if any(not layer.type for layer in net.layers):
        raise BenchError(
            f"{path}: of the format's first generation; Caffe's upgrade_net_proto_text makes it a later one"
        )
    declared = [layer for layer in (*net.layers, *net.layer) if _runs_in_test(layer)]
    if not declared:
        raise BenchError(f"{path}: a prototxt without layers: it describes no network")
    weights_path = weights_path or _weights_beside(path)
    weights = _read_caffemodel(weights_path)
    inputs = [*_declared_inputs(str(path), net)]
    layers: list[CaffeLayer] = []
    for layer in declared:
        name = _free_name(layer.name or next(iter(layer.top), ""), layers, weights)
        if _type(layer) == "Input":
            shapes = layer.input_param.shape
            dims = (tuple(shapes[min(at, len(shapes) - 1)].dim) if shapes else () for at in range(len(layer.top)))
            inputs += [CaffeInput(name, top, of_top) for top, of_top in zip(layer.top, dims, strict=True)]
        else:
            blobs = tuple(layer.bottom), tuple(layer.top)
            layers.append(CaffeLayer(name, _type(layer), *blobs, layer, weights.get(name), weights.keys()))
    _check_weights_once(str(path), layers)
    _check_belongs(str(path), str(weights_path), layers, weights)
    return CaffeNet(str(path), str(weights_path), tuple(inputs), tuple(layers))


def _read_prototxt(path: Path) -> Any:
    try:
        data = path.read_bytes()
    except OSError as error:
        raise BenchError(f"{path}: {file_trouble(error)}") from None
    if data and not is_text(data):
        raise BenchError(f"{path}: a prototxt is text, this file is binary; {_ORDER}")
    text = data.decode("utf-8-sig", "replace")  # comments come in all encodings
    try:
        return text_format.Parse(text, NetParameter(), allow_unknown_field=True)
    except text_format.ParseError as error:
        raise BenchError(f"{path}: cannot be read as a prototxt: line {error}") from None
    except (RecursionError, ValueError) as error:  # braces nested too deeply; what protobuf says of some names
        raise BenchError(f"{path}: cannot be read as a prototxt: {error}") from None


_ORDER = "the prototxt comes first, its .caffemodel is given with --weights"


def _weights_beside(path: Path) -> Path:
    """Find the caffemodel of a prototxt; BenchError when it could be none or several."""
    named = path.with_suffix(WEIGHTS)
    if named.exists():
        return named
    found = sorted(path.parent.glob(f"*{WEIGHTS}"))
    if len(found) != 1:
        listed = ", ".join(one.name for one in found[:4]) or "none"
        raise BenchError(f"{path}: which {WEIGHTS} has its weights? Beside it: {listed}; give it with --weights")
    return found[0]


def _read_caffemodel(path: Path) -> Mapping[str, tuple[Reals, ...]]:
    """Weights by layer; of a name that comes twice the first that has any."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise BenchError(f"{path}: {file_trouble(error)}") from None
    net = NetParameter()
    try:
        net.ParseFromString(data)
    except DecodeError:
        what = f"this file is text; {_ORDER}" if is_text(data) else "this one is cut short or something else"
        raise BenchError(f"{path}: a .caffemodel is a binary file of weights, {what}") from None
    found: dict[str, tuple[Reals, ...]] = {}
    for layer in (*net.layers, *net.layer):
        if not found.get(layer.name):
            found[layer.name] = tuple(_values(str(path), layer.name, blob) for blob in layer.blobs)
    if not any(found.values()):
        raise BenchError(f"{path}: a .caffemodel holds layers with weights, this file has none")
    return found


def is_text(data: bytes) -> bool:
    """Whether the beginning of a file is text in whatever encoding, as a prototxt is and no binary protobuf."""
    return bool(data) and all(byte >= ord(" ") or chr(byte).isspace() for byte in data[:4096])


def _values(path: str, layer: str, blob: Any) -> Reals:
    """A blob's values in the shape that it says, old ones always in four dimensions."""
    values = np.array(blob.data, np.float32) if blob.data else np.array(blob.double_data, np.float32)
    shape = tuple(blob.shape.dim) if blob.HasField("shape") else (blob.num, blob.channels, blob.height, blob.width)
    if any(size < 0 for size in shape) or np.prod(shape, dtype=object) != values.size:
        raise BenchError(f"{path}: layer {layer!r}: a blob of shape {shape} holds {values.size} values")
    return values.reshape(shape)


def _type(layer: Any) -> str:
    """The type's name in the newer generation."""
    if isinstance(layer.type, str):
        return layer.type
    name: str = layer.DESCRIPTOR.fields_by_name["type"].enum_type.values_by_number[layer.type].name
    if name == "SOFTMAX_LOSS":
        return "SoftmaxWithLoss"
    return "".join(V1_SPELLINGS.get(part, part.capitalize()) for part in name.split("_"))


def _runs_in_test(layer: Any) -> bool:
    """Whether a layer's include and exclude rules take it into phase TEST, level 0, no stages."""
    if layer.include:
        return any(map(_meets, layer.include))
    return not any(map(_meets, layer.exclude))


def _meets(rule: Any) -> bool:
    test = rule.DESCRIPTOR.fields_by_name["phase"].enum_type.values_by_name["TEST"].number
    if rule.HasField("phase") and rule.phase != test:
        return False
    return rule.min_level <= 0 and (not rule.HasField("max_level") or rule.max_level >= 0) and not rule.stage


def _declared_inputs(path: str, net: Any) -> Iterable[CaffeInput]:
    """Inputs of the form before Input layers: ``input`` with ``input_shape``, or four ``input_dim`` each."""
    shapes = [tuple(shape.dim) for shape in net.input_shape]
    if not shapes:
        shapes = [tuple(net.input_dim[at : at + 4]) for at in range(0, len(net.input_dim), 4)]
    if len(shapes) not in (0, len(net.input)):
        raise BenchError(f"{path}: {len(net.input)} inputs and {len(shapes)} shapes of inputs")
    for at, blob in enumerate(net.input):
        yield CaffeInput(blob, blob, shapes[at] if shapes else ())


def _free_name(name: str, layers: Sequence[CaffeLayer], weights: Mapping[str, tuple[Reals, ...]]) -> str:
    """A layer's name, with a number where one before it without weights is called the same."""
    taken = {layer.name for layer in layers}
    if name not in taken or weights.get(name):
        return name
    return next(numbered for number in count(2) if (numbered := f"{name} ({number})") not in taken)


def _check_weights_once(path: str, layers: Sequence[CaffeLayer]) -> None:
    """Refuse layers that share the name by which they find their weights."""
    for name, times in Counter(layer.name for layer in layers).items():
        if times > 1:
            raise BenchError(
                f"{path}: {times} layers are called {name!r}, by which the caffemodel has the weights of one"
            )


def _check_belongs(
    path: str, weights_path: str, layers: Sequence[CaffeLayer], weights: Mapping[str, tuple[Reals, ...]]
) -> None:
    """Refuse a caffemodel that has the weights of no layer at all."""
    if any(layer.weights for layer in layers):
        return
    listed = ", ".join(map(repr, sorted(name for name, blobs in weights.items() if blobs)[:4]))
    raise BenchError(f"{path}: no layer has weights in {weights_path}, which has {listed}: they do not belong together")


def _near_names(name: str, known: Iterable[str]) -> str:
    """A hint with names that look like one; empty when none does."""
    close = ", ".join(map(repr, difflib.get_close_matches(name, list(known))))
    return f"; close matches: {close}" if close else ""
