"""The device on random legal programs: against a second model, in either group, and with one register changed."""

from collections.abc import Mapping
from functools import cache

import numpy as np
import pytest

from nvdla_int8.device import Device, IllegalProgramError
from nvdla_int8.device.blocks import LayerRegisters
from nvdla_int8.device.layer_run import LayerRun
from nvdla_int8.generator import GeneratedProgram, generate
from nvdla_int8.generator.sequence import Step
from nvdla_int8.registers.register_map import find_register, insert, unpack
from tests.conftest import SEED
from tests.golden.plain_layer import PlainLayer
from tests.golden.plain_memory_layers import PlainLrnLayer, PlainPoolingLayer

PROGRAMS = 120
POOLED = 24
PLAIN_KINDS = ("convolution", "image", "memory", "requantised", "pair", "series", "reuse")
"""What the plain model knows: SDP and convolutions."""

ELEMENTS = 4
"""Random elements compared of each layer, beside its first and last."""


@cache
def program(kind: str, number: int) -> GeneratedProgram:
    return generate(f"{SEED}-{number}", kind=kind)


def load(device: Device, made: GeneratedProgram) -> None:
    for step in made.steps:
        for region in step.loads:
            device.memory.write_bytes(region.base, region.data)


def run(device: Device, values: Mapping[str, int], group: int) -> None:
    blocks = dict.fromkeys(name.partition(".")[0] for name in values)
    for block in blocks:
        device.write(f"{block}.S_POINTER", group)
    for name, word in values.items():
        device.write(name, word)
    for block in blocks:
        device.write(f"{block}.D_OP_ENABLE", 1)


def written_bytes(step: Step) -> dict[int, int]:
    """The bytes of the windows that a layer wrote into, by address."""
    return {address: byte for region in step.outputs for address, byte in enumerate(region.data, region.base)}


def test_output_bytes_equal_the_plain_model() -> None:
    """Layouts, converters and sums written a second time; always the elements at both ends."""
    random = np.random.default_rng(1)
    compared = 0
    for number in range(PROGRAMS):
        made = generate(f"{SEED}-plain-{number}", kind=PLAIN_KINDS[number % len(PLAIN_KINDS)])
        memory: dict[int, int] = {}
        for step in made.steps:
            for region in step.loads:
                memory.update(enumerate(region.data, region.base))
        for step, layer_run in zip(made.steps, made.layers, strict=True):
            alone = step.layer.plain  # registers with which a layer finds nothing in the CBUF
            layer = PlainLayer(LayerRegisters(alone) if alone else layer_run.registers, memory)
            shape = (layer.lanes, layer.height, layer.width)
            outputs = written_bytes(step)
            last = tuple(size - 1 for size in shape)
            for k, y, x in [(0, 0, 0), last, *random.integers(0, shape, (ELEMENTS, 3)).tolist()]:
                actual = outputs[layer.address(k, y, x)]
                assert actual == layer.output(k, y, x), f"{made.seed}: {(k, y, x)} of {made.summary}"
                compared += 1
            memory.update(outputs)
    assert compared >= (2 + ELEMENTS) * PROGRAMS


def plain_layer(run: LayerRun, memory: Mapping[int, int]) -> PlainPoolingLayer | PlainLrnLayer:
    if run.lrn is None:
        return PlainPoolingLayer(run.registers, memory)
    assert run.lut is not None
    return PlainLrnLayer(run.registers, memory, run.lut)


@pytest.mark.parametrize("kind", ["pooling", "lrn", "fused"])
def test_output_bytes_of_pooling_and_lrn_equal_the_plain_model(kind: str) -> None:
    """Layouts, parts, tables and what is in registers written a second time."""
    random = np.random.default_rng(2)
    for number in range(POOLED):
        made = generate(f"{SEED}-pooled-{number}", kind=kind)
        memory: dict[int, int] = {}
        for step, layer_run in zip(made.steps, made.layers, strict=True):
            for region in step.loads:
                memory.update(enumerate(region.data, region.base))
            layer = plain_layer(layer_run, memory)
            assert layer.shape == layer_run.output.shape
            outputs = written_bytes(step)
            last = tuple(size - 1 for size in layer.shape)
            for c, y, x in [(0, 0, 0), last, *random.integers(0, layer.shape, (ELEMENTS, 3)).tolist()]:
                actual = outputs[layer.address(c, y, x)]
                assert actual == layer.output(c, y, x), f"{made.seed}: {(c, y, x)} of {made.summary}"
            memory.update(outputs)


@pytest.mark.parametrize("kind", ["convolution", "image", "memory", "requantised"])
def test_layer_gives_the_same_in_either_group(kind: str) -> None:
    for number in range(5):
        made = program(kind, number)
        [step] = made.steps
        device = Device()  # the first run may leave weights behind for the second (E6)
        load(device, made)
        for group in (0, 1):
            for before in step.loads:
                device.memory.write_bytes(before.base, before.data)
            run(device, step.layer.values, group)
            assert device.raised(f"SDP_{group}")
            for output in step.outputs:
                assert device.memory.read_bytes(output.base, len(output.data)) == output.data
            for register, count in step.counters.items():  # none when the layer does not count, E9
                assert device.read(register) == count


SECOND_COPIES = {
    "convolution": (
        "CSC.D_DATAIN_SIZE_EXT_0.DATAIN_HEIGHT_EXT", "CSC.D_DATAIN_SIZE_EXT_1.DATAIN_CHANNEL_EXT",
        "CSC.D_WEIGHT_SIZE_EXT_1.WEIGHT_KERNEL", "CACC.D_DATAOUT_SIZE_0.DATAOUT_WIDTH", "CSC.D_BANK.DATA_BANK",
        "CSC.D_ENTRY_PER_SLICE.ENTRIES", "CDMA.D_WEIGHT_SIZE_1.WEIGHT_KERNEL",
    ),
    "image": ("CSC.D_DATAIN_FORMAT.DATAIN_FORMAT", "CSC.D_BANK.WEIGHT_BANK", "CACC.D_DATAOUT_SIZE_1.DATAOUT_CHANNEL"),
    "memory": ("SDP_RDMA.D_DATA_CUBE_WIDTH.WIDTH", "SDP_RDMA.D_DATA_CUBE_HEIGHT.HEIGHT"),
}  # fmt: skip


@pytest.mark.parametrize(("kind", "name"), [(kind, name) for kind, names in SECOND_COPIES.items() for name in names])
def test_field_that_two_blocks_hold_is_refused_when_one_copy_changes(kind: str, name: str) -> None:
    register, _, field = name.rpartition(".")
    for number in range(5):
        made = program(kind, number)
        values = dict(made.steps[0].layer.values)
        word = unpack(register, values[register], field)
        values[register] = insert(register, values[register], **{field: word ^ 1})
        device = Device()
        load(device, made)
        with pytest.raises(IllegalProgramError) as caught:
            run(device, values, 0)
        where = [finding.where for finding in caught.value.diagnostics]
        assert any(name in text or register in text for text in (str(caught.value), *where)), str(caught.value)
        assert find_register(register).fields[field].width
        assert not device.layers
