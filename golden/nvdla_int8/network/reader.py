"""Reads a network's files in whatever format they are."""

from dataclasses import replace
from pathlib import Path

from nvdla_int8.errors import BenchError, BenchErrors, Problems, located
from nvdla_int8.network.caffe_files import WEIGHTS, is_text
from nvdla_int8.network.caffe_reader import read_caffe
from nvdla_int8.network.float_network import FloatNetwork
from nvdla_int8.network.onnx_model import load_onnx
from nvdla_int8.network.onnx_reader import read_model


def read_network(
    path: Path, *, weights_path: Path | None = None, image_size: tuple[int, int] | None = None, folded: bool = True
) -> FloatNetwork:
    """Read a network from an ONNX file, or from a prototxt and its caffemodel; the content decides.

    Parameters
    ----------
    path
        The ONNX file or the prototxt.
    weights_path
        The caffemodel; by default the one beside the prototxt with the same name, or the only one there.
    image_size
        Height and width of images, for a file that does not declare them.
    folded
        As of ``read_model``.

    Raises
    ------
    BenchError
        One line for a file that is not what it should be; one line for each layer or node that is not supported, all
        at once: which, why, and what unit would have to do it.
    """
    if path.suffix == WEIGHTS:
        raise BenchError(f"{path}: these are the weights; give the network's prototxt, and this file with --weights")
    if not (path.suffix == ".prototxt" or _begins_as_text(path)):
        if weights_path is not None:
            raise BenchError(f"{path}: --weights goes with a prototxt; an ONNX file holds its own")
        model = load_onnx(path)
        with located(str(path)):
            return read_model(model, str(path), image_size=image_size, folded=folded)
    converted = read_caffe(path, weights_path)
    if converted.refused and not any(node.op_type == "Conv" for node in converted.model.graph.node):
        raise BenchErrors(converted.refused)
    problems = Problems()
    problems.lines += converted.refused
    with problems.gathered(), located(str(path)):
        network = read_model(converted.model, str(path), image_size=image_size, folded=folded)
    problems.check()
    padded = {node.output[0] for node in converted.model.graph.node if node.op_type == "Pad"}  # Caffe has none of these
    tensors = {
        name: replace(one, measured=one.measured and name not in padded) for name, one in network.tensors.items()
    }
    return replace(network, aliases=converted.aliases, tensors=tensors, notes=(*converted.notes, *network.notes))


def _begins_as_text(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            return is_text(file.read(4096))
    except OSError:  # the reader of ONNX says why
        return False
