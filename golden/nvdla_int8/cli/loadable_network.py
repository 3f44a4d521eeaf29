"""The network that a compiled one was made of, and its table, as files beside it."""

from collections.abc import Sequence
from pathlib import Path

from nvdla_int8.calibration.formats import read_table
from nvdla_int8.errors import BenchError
from nvdla_int8.explain.network_match import NetworkMatch, match_network
from nvdla_int8.loadable.layers import LoadableLayer
from nvdla_int8.network.caffe_files import WEIGHTS
from nvdla_int8.network.reader import read_network


def match_files(layers: Sequence[LoadableLayer], model: Path | None, table: Path | None) -> NetworkMatch | None:
    """Read the network that a file was made of, and its table, and match them; None without a network.

    Parameters
    ----------
    layers
        Of the compiled network.
    model
        An ONNX file, a prototxt with its caffemodel beside it, or a caffemodel with its prototxt beside it.
    table
        The calibration table.

    Raises
    ------
    BenchError
        A table without a network, files that cannot be read, a network that is not the compiled one.
    """
    if model is None:
        if table is not None:
            raise BenchError(f"{table}: nothing says which entry a layer takes: give the network with --weights too")
        return None
    weights = None
    if model.suffix == WEIGHTS:
        weights, model = model, _prototxt_beside(model)
    network = read_network(model, weights_path=weights, folded=False)
    return match_network(layers, network, None if table is None else read_table(table))


def _prototxt_beside(weights: Path) -> Path:
    named = weights.with_suffix(".prototxt")
    if named.exists():
        return named
    found = sorted(weights.parent.glob("*.prototxt"))
    if len(found) != 1:
        raise BenchError(f"{weights}: {len(found)} prototxt files are beside it, none of its name: give the prototxt")
    return found[0]
