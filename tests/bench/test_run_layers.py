"""Which passes belong to which layers of a network, and what the table of ``make sim`` says runs them."""

from nvdla_bench.network_run.run_layers import RunLayer, run_layers
from nvdla_int8.network.network import Network, NetworkLayer
from nvdla_int8.stages.lrn import Lrn
from nvdla_int8.stages.lrn_program import LrnProgram
from nvdla_int8.stages.pooling import Pooling, PoolingMethod
from nvdla_int8.stages.pooling_program import PoolingProgram
from tests.golden.test_network_graph import branching


def test_every_layer_has_its_passes_and_what_runs_it() -> None:
    found = run_layers(branching(), ["conv", "residual", "alone", "grouped", "grouped", "last"])
    assert found == (
        RunLayer("conv", "convolution", (0,)),
        RunLayer("residual", "convolution, sum", (1,)),
        RunLayer("alone", "SDP, sum", (2,)),
        RunLayer("cat", "by address", ()),
        RunLayer("grouped", "convolution", (3, 4)),
        RunLayer("last", "convolution", (5,)),
        RunLayer("prob", "host: Softmax", ()),
    )


def test_two_layers_of_one_pass_are_one_line() -> None:
    [alone] = (layer.program for layer in branching().layers if layer.name == "alone")
    window = Pooling(method=PoolingMethod.MAX, kernel_h=2, kernel_w=2, stride_y=2, stride_x=2)
    layers = (
        NetworkLayer(alone, ("x", "x"), "a"),
        NetworkLayer(PoolingProgram(name="pool", window=window), ("a",), "b"),
        NetworkLayer(LrnProgram(name="norm", lrn=Lrn()), ("b",), "c"),
    )
    network = Network(layers, "x", ("c",))
    fused = run_layers(network, ["alone + pool", "norm"])
    assert fused == (RunLayer("alone + pool", "SDP, sum + pooling", (0,)), RunLayer("norm", "LRN", (1,)))
    apart = run_layers(network, ["alone", "pool", "norm"])
    assert [(layer.runs_as, layer.passes) for layer in apart] == [("SDP, sum", (0,)), ("pooling", (1,)), ("LRN", (2,))]
