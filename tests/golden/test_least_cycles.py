"""The least cycles of small layers, worked out by hand."""

from dataclasses import replace

from nvdla_int8.device.least_cycles import LeastCycles, least_cycles
from tests.golden.register_programs import Convolution, RegisterLayer, memory_layer, with_operands, zeroed_device

POINT = Convolution(channels=16, height=1, width=1, kernels=24, kernel=(1, 1), padding=(0, 0, 0, 0))


def least(layer: RegisterLayer) -> LeastCycles:
    device = zeroed_device()
    layer.run(device)
    [run] = device.layers
    return least_cycles(run, device.build)


def test_least_cycles_of_a_fully_connected_layer_are_its_bytes() -> None:
    # Three kernel groups of two atoms; 16 bytes of input, 384 of weights; 24 written. Two groups follow the first.
    assert least(POINT.layer()) == LeastCycles(macs=6, reads=(16 + 384) // 8, writes=3, order=2 + 4)
    assert least(POINT.layer()).cycles == 50


def test_least_cycles_count_the_groups_behind_the_whole_input() -> None:
    wide = replace(POINT, width=64)
    assert least(wide.layer()) == LeastCycles(macs=6 * 64, reads=128 + 48, writes=3 * 64, order=128 + 4 * 64)
    # A stride of 2 needs all but the last of its rows.
    tall = replace(POINT, height=64, stride=(2, 1))
    assert least(tall.layer()) == LeastCycles(macs=6 * 32, reads=128 + 48, writes=3 * 32, order=126 + 4 * 32)


def test_least_cycles_of_a_pass_from_memory_are_source_and_operands() -> None:
    both = with_operands(memory_layer(9, 3, 4), "x2", "BOTH", per_element=True)
    # Two surfaces of twelve pixels: 8 bytes of source, 32 of operands, 8 of output.
    assert least(both) == LeastCycles(macs=0, reads=2 * 12 * (1 + 4), writes=2 * 12, order=0)
