"""What ``explain`` reads beside a compiled network: the network that it was made of, its table, images."""

from pathlib import Path

from nvdla_int8.calibration.formats import read_table
from nvdla_int8.errors import BenchError
from nvdla_int8.explain.loadable_difference import Described
from nvdla_int8.explain.loadable_images import ObservedRuns, RunObserver
from nvdla_int8.explain.loadable_layers import operations_of
from nvdla_int8.explain.network_match import NetworkMatch, match_network
from nvdla_int8.network.caffe_files import WEIGHTS
from nvdla_int8.network.reader import read_network
from nvdla_int8.report.progress import LateProgress
from nvdla_int8.runtime.input_images import open_inputs
from nvdla_int8.runtime.loadable_run import run_loadable


def match_files(described: Described, model: Path | None, table: Path | None) -> NetworkMatch | None:
    """Read the network that a file was made of, and its table, and match them; None without a network.

    Parameters
    ----------
    described
        The compiled network.
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
    return match_network(described.layers, network, None if table is None else read_table(table))


def _prototxt_beside(weights: Path) -> Path:
    named = weights.with_suffix(".prototxt")
    if named.exists():
        return named
    found = sorted(weights.parent.glob("*.prototxt"))
    if len(found) != 1:
        raise BenchError(f"{weights}: {len(found)} prototxt files are beside it, none of its name: give the prototxt")
    return found[0]


def observe_images(described: Described, images: Path, *, resize: bool, convert: bool) -> ObservedRuns:
    """Run a compiled network on images; BenchError as ``open_inputs`` and ``run_loadable`` raise."""
    loadable = described.loadable
    inputs = open_inputs(loadable, images, resize=resize, convert=convert)
    tasks = {id(task): number for number, task in enumerate(loadable.hardware_tasks)}
    observer = RunObserver(
        [[(tasks[id(layer.task)], operation) for operation in operations_of(layer)] for layer in described.layers]
    )
    with LateProgress("images", len(inputs)) as progress:
        for tensors in inputs.runs():
            observer.add(run_loadable(loadable, tensors))
            progress.advance()
    return observer.found(str(images), inputs.words)
