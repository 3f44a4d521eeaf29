"""Random register values in PDP and CDP: a result that is right, or a finding; soon and never a traceback."""

import time
from collections.abc import Mapping

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from nvdla_int8.device import Device
from nvdla_int8.errors import BenchError
from nvdla_int8.registers.register_map import WORD_MASK, find_register, insert, load_register_map
from tests.golden.pooling_programs import LrnNumbers, PoolingNumbers, behind_sdp, device_with, random_cube
from tests.golden.register_programs import INPUT, RegisterLayer, memory_layer

MOST_SECONDS = 20.0
ELEMENTS = 4

sizes = st.integers(1, 12)


@st.composite
def near_legal_pooling(draw: st.DrawFn) -> PoolingNumbers:
    """Any window, stride and padding; the output has as many windows as fit, if one does."""
    kernel, stride = (
        (draw(st.integers(1, 8)), draw(st.integers(1, 8))),
        (draw(st.integers(1, 5)), draw(st.integers(1, 5))),
    )
    numbers = PoolingNumbers(
        channels=draw(st.integers(1, 20)), height=draw(sizes), width=draw(sizes), kernel=kernel, stride=stride,
        padding=(draw(st.integers(0, 7)), draw(st.integers(0, 7)), draw(st.integers(0, 7)), draw(st.integers(0, 7))),
        method=draw(st.sampled_from(["MAX", "MIN", "AVERAGE"])),
        pad_values=tuple(draw(st.lists(st.integers(-(2**18), 2**18 - 1), min_size=7, max_size=7))),
    )  # fmt: skip
    return numbers if min(numbers.output) >= 1 else numbers.but(kernel=(1, 1))


@st.composite
def parted(draw: st.DrawFn) -> PoolingNumbers:
    """A layer whose parts fit together, or nearly."""
    kernel, stride = draw(st.integers(1, 4)), draw(st.integers(1, 4))
    first, middle, last = (draw(st.integers(1, 4)) for _ in range(3))
    left, right = draw(st.integers(0, kernel - 1)), draw(st.integers(0, kernel - 1))
    into = (first - 1) * stride - left + kernel
    ends = (last - 1) * stride - right + stride + draw(st.sampled_from([0, 0, 0, 1]))
    parts = [(into, first), *[(middle * stride, middle)] * draw(st.integers(0, 3)), (ends, last)]
    if min(columns for columns, _ in parts) < 1:
        return PoolingNumbers()
    return PoolingNumbers(
        height=6, width=sum(columns for columns, _ in parts), kernel=(2, kernel), stride=(2, stride),
        padding=(0, left, 0, right), method=draw(st.sampled_from(["MAX", "AVERAGE"])), parts=tuple(parts),
    )  # fmt: skip


def outcome(device: Device, layer: RegisterLayer) -> bool:
    """Whether it ran; otherwise its findings say why in one line, or the device what it waits for."""
    start, before, said = time.process_time(), len(device.layers), ""
    try:
        layer.run(device)
    except BenchError as error:
        said = str(error)
    assert time.process_time() - start < MOST_SECONDS
    assert said.isprintable()
    ran = len(device.layers) > before
    assert ran or said or "enabled, but" in device.waiting()
    return ran


def is_right(numbers: PoolingNumbers, device: Device, cube: np.ndarray, random: np.random.Generator) -> None:
    """A few elements against plain integers, always those at both ends."""
    output, plain = device.layers[-1].output, numbers.plain()
    last = [size - 1 for size in output.shape]
    for c, y, x in [[0, 0, 0], last, *random.integers(0, output.shape, (ELEMENTS, 3)).tolist()]:
        assert output[c, y, x] == plain.output(cube[c].tolist(), y, x)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(numbers=st.one_of(near_legal_pooling(), parted()), flying=st.booleans())
def test_pooling_is_right_or_refused(numbers: PoolingNumbers, flying: bool) -> None:
    cube = random_cube((numbers.channels, numbers.height, numbers.width))
    device = device_with(cube, strict=False)
    if flying:
        ran = outcome(device, behind_sdp(memory_layer(numbers.channels, numbers.height, numbers.width), numbers))
    else:
        ran = outcome(device, numbers.layer())
    if ran:
        is_right(numbers, device, cube, np.random.default_rng(0))


def test_most_random_layers_with_little_padding_run() -> None:
    """Else the test above would compare nothing."""
    random, ran = np.random.default_rng(3), 0
    for _ in range(60):
        kernel = tuple(random.integers(1, 5, 2).tolist())
        padding = tuple(random.integers(0, min(kernel), 4).tolist())
        numbers = PoolingNumbers(3, 9, 9, kernel, tuple(random.integers(1, 4, 2).tolist()), padding)
        ran += outcome(device_with(random_cube((3, 9, 9)), strict=False), numbers.layer())
    assert ran > 30


def names_of(*blocks: str) -> list[str]:
    """Registers that a program may write."""
    registers = [f"{block}.{name}" for block in blocks for name in load_register_map()[block].registers]
    return [name for name in registers if find_register(name).writable_mask and not name.endswith("D_OP_ENABLE")]


@st.composite
def changed(draw: st.DrawFn, layer: RegisterLayer, names: list[str]) -> Mapping[str, int]:
    """The layer's registers with some that hold anything, or one field that does."""
    values = dict(layer.values)
    for name in draw(st.lists(st.sampled_from(names), min_size=1, max_size=6)):
        register = find_register(name)
        field = draw(st.sampled_from(sorted(register.fields)))
        bits = draw(st.integers(0, (1 << register.fields[field].width) - 1))
        other = insert(name, values.get(name, register.reset), **{field: bits})
        values[name] = draw(st.sampled_from([other, other, draw(st.integers(0, WORD_MASK)) & register.writable_mask]))
    return values


PDP = names_of("PDP", "PDP_RDMA")
CDP = names_of("CDP", "CDP_RDMA")
SEEDS = {
    "from memory": (PoolingNumbers().layer(), PDP),
    "in parts": (PoolingNumbers(width=16, parts=((8, 4), (8, 4))).layer(), PDP),
    "behind SDP": (behind_sdp(memory_layer(9, 6, 8), PoolingNumbers()), [*PDP, *names_of("SDP")]),
    "normalisation": (LrnNumbers().layer(), CDP),
}


@pytest.mark.parametrize(("layer", "names"), SEEDS.values(), ids=SEEDS)
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data(), strict=st.booleans())
def test_random_register_values_end_in_a_finding_or_a_result(
    layer: RegisterLayer, names: list[str], data: st.DataObject, strict: bool
) -> None:
    device = Device(strict=strict)
    device.memory.clear(INPUT, 1 << 20)
    outcome(device, RegisterLayer(data.draw(changed(layer, names))))
    assert device.waiting()
    device.pending_layer()
