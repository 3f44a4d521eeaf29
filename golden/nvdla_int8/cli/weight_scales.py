"""``--weight-scale``: the steps of weights that are integers already."""

from pathlib import Path

import click
import numpy as np
from numpy.typing import NDArray

from nvdla_int8.errors import BenchError, located
from nvdla_int8.json_files import read_json
from nvdla_int8.network.float_network import FloatNetwork
from nvdla_int8.stages.tensor_scale import positive_number

Reals = NDArray[np.float64]

weight_scale_option = click.option(
    "--weight-scale",
    metavar="VALUE|FILE.json",
    help="Keep the integers of a trained network: the real value of one weight step, or by layer "
    '{"conv1": 0.05, "conv2": [one a kernel]}.',
)


def read_weight_scales(given: str, network: FloatNetwork) -> dict[str, float | Reals]:
    """Weight scales by layer from one value for all layers, or from a JSON file.

    Parameters
    ----------
    given
        A number, or the path of a JSON object with a number, or a list of one number a kernel, for each layer
        whose weights are to be kept.
    network
        Whose layers they are.

    Raises
    ------
    BenchError
        For anything else, naming the file, the layer and the value.
    """
    try:
        value = float(given)
    except ValueError:
        return _from_file(Path(given))
    scale = positive_number("--weight-scale", value)
    return {layer.name: scale for layer in network.convolutions}


def _from_file(path: Path) -> dict[str, float | Reals]:
    content = read_json(path, "a number or an object of weight scales by layer")
    if not isinstance(content, dict) or not content:
        raise BenchError(f"{path}: weight scales are an object of layers, each with a number or a list")
    scales: dict[str, float | Reals] = {}
    for name, value in content.items():
        with located(f"{path}: layer {name!r}"):
            if isinstance(value, list):
                scales[name] = np.array([positive_number("weight scale", item) for item in value])
            else:
                scales[name] = positive_number("weight scale", value)
    return scales
