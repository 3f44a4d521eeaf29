"""What NVIDIA's compiler would get wrong with a network and a repaired table (loadables.md section 11)."""

from collections.abc import Iterator, Mapping
from pathlib import Path

from nvdla_int8.calibration.for_compiler.biases import bias_doubts, dead_filter_doubts
from nvdla_int8.calibration.for_compiler.repair import CompilerTable
from nvdla_int8.errors import BenchError
from nvdla_int8.network.float_network import FloatNetwork
from nvdla_int8.network.onnx_reader import unfolded
from nvdla_int8.quantise.like_compiler.compiled_layers import CopyLayer, compiled_layers


def path_doubts(path: Path) -> Iterator[str]:
    """What is wrong with a path for ``--calibtable``."""
    if str(path) != str(path).lower():
        yield f"{path}: the compiler converts the path of --calibtable to lower case, and would not find this one"


def network_doubts(network: FloatNetwork, scales: Mapping[str, float]) -> Iterator[str]:
    """Layers that the compiler refuses; when there are none, those that it leaves out or gets wrong; a line each.

    Parameters
    ----------
    network
        In real numbers.
    scales
        The repaired ones, by tensor.
    """
    try:
        compiled = compiled_layers(unfolded(network))
    except BenchError as error:
        yield from error.problems
        return
    for layer in compiled.layers:
        if isinstance(layer, CopyLayer):
            yield f"layer {layer.name}: an activation that the compiler leaves out: the layer copies its input"
    yield from bias_doubts(compiled, scales)
    yield from dead_filter_doubts(compiled)


def repair_doubts(repaired: CompilerTable, network: FloatNetwork) -> Iterator[str]:
    """Entries that the repair may have made wrong: that of the input, and those of operands that have no range."""
    for change in repaired.changes:
        if change.name == network.input and change.old is not None and change.new != change.old:
            yield (
                f"entry {change.name}: the input's scale is another one now: right for int8 feature maps that are made "
                "in these steps, wrong for images, whose bytes the runtime makes x * 127 / 255 of"
            )
        if change.guessed:
            yield (
                f"entry {change.name}: the table says nothing of its range; beyond {127 * change.new:.6g} it "
                "saturates; calibrate --every-layer measures it"
            )
