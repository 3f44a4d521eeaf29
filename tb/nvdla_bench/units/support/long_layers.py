"""Layers whose sizes need the last bit of their registers, for the benches of what reads memory."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from cocotb.triggers import RisingEdge

from nvdla_bench.units.support.block_csb import BlockCsb
from nvdla_bench.units.support.comparison import Comparison, known, report
from nvdla_int8.device.blocks import IDLE
from nvdla_int8.registers.register_map import unpack
from nvdla_int8.surfaces.feature import FeatureSurface

LONG_SIZES = ((4098, 1, 1), (1, 4098, 1), (1, 1, 8192))
"""Columns, lines, channels: each needs the last bit of 13 once."""

FAR_SIZES = ((2, 2, 1), (2, 1, 16))
"""Two lines and two surfaces, as far apart as addresses go."""

LONG_ATOM = 8
"""Bytes of the memory atom with which these layers run: other units differ in nothing that they need."""

LATENCY_CYCLES = 100
MOST_STRIDE = 1 << 17
FAR_BASE, FAR_STRIDE = 1 << 12, (1 << 32) - (1 << 14)


@dataclass(frozen=True)
class LongLayer:
    """What a block must do with one layer.

    Attributes
    ----------
    registers
        Of the block, by name.
    requests
        Addresses that each client asks for, by the prefix of its signals: ``rd`` for ``rd_req_addr``.
    beats
        How many beats each stream has.
    """

    registers: Mapping[str, int]
    requests: Mapping[str, Sequence[int]]
    beats: Mapping[str, int]


def long_surface(
    random: np.random.Generator, size: tuple[int, int, int], memory_atom: int, base: int, *, packs_one_pixel: bool
) -> FeatureSurface:
    """A cube of columns, lines and channels with random strides.

    It begins a little behind ``base``; one of :data:`FAR_SIZES` near 0.
    """
    width, height, channels = size

    def some_bytes(most: int) -> int:
        return int(random.integers(most)) // memory_atom * memory_atom

    if size in FAR_SIZES:
        base = some_bytes(FAR_BASE)
        line_stride, surface_stride = (FAR_STRIDE + some_bytes(FAR_BASE) for _ in range(2))
    else:
        base += some_bytes(MOST_STRIDE)
        line_stride = width * memory_atom + some_bytes(MOST_STRIDE)
        surface_stride = line_stride * height + some_bytes(MOST_STRIDE)
    return FeatureSurface(
        base=base,
        width=width,
        height=height,
        channels=channels,
        line_stride=line_stride,
        surface_stride=surface_stride,
        memory_atom=memory_atom,
        packs_one_pixel=packs_one_pixel,
    )


async def run_long_layers(dut: Any, block: str, layers: Sequence[LongLayer]) -> None:
    """Run layers without stalls; every request is answered in the next cycle, with anything."""
    csb = BlockCsb(dut, block)
    comparison = Comparison()
    for index, layer in enumerate(layers):
        await csb.program(index % 2, {f"{block}.{register}": word for register, word in layer.registers.items()})
        await csb.write("D_OP_ENABLE", 1)
        asked, given = await _follow(dut, layer)
        for client, wanted in layer.requests.items():
            places = zip(wanted, asked[client], strict=False)
            for place, (address, seen) in enumerate(places):
                comparison.check(
                    {"layer": index, "request": place},
                    {f"{client}_req_addr": address},
                    {f"{client}_req_addr": seen},
                    dict.fromkeys(("layer", "request", f"{client}_req_addr"), 32),
                )
            assert len(asked[client]) == len(wanted), report(
                f"layer {index}: {client} asks {len(asked[client])} times, {len(wanted)} were expected"
            )
        assert given == layer.beats, report(f"layer {index}: streams gave {given} beats, expected {layer.beats}")
        status = unpack(f"{block}.S_STATUS", await csb.read("S_STATUS"), f"STATUS_{index % 2}")
        assert status == IDLE, report(f"layer {index}: S_STATUS reads {status} behind its last beat")
    comparison.finish()


async def _follow(dut: Any, layer: LongLayer) -> tuple[dict[str, list[int]], dict[str, int]]:
    """Answer requests and take beats until a few cycles behind the time that the layer takes; both as they came."""
    asked: dict[str, list[int]] = {client: [] for client in layer.requests}
    given = dict.fromkeys(layer.beats, 0)
    clients = [
        (asked[client], *(getattr(dut, f"{client}_{signal}") for signal in ("req_valid", "req_addr", "rsp_valid")))
        for client in layer.requests
    ]
    streams = [(name, getattr(dut, f"{name}_valid")) for name in layer.beats]
    for client in layer.requests:
        getattr(dut, f"{client}_req_ready").value = 1
    for name in layer.beats:
        getattr(dut, f"{name}_ready").value = 1
    edge = RisingEdge(dut.clk)
    for _ in range(max(layer.beats.values()) + LATENCY_CYCLES):
        await edge
        for addresses, valid, address, answer in clients:
            asks = valid.value == 1
            if asks:
                addresses.append(known(address))
            answer.value = int(asks)
        for name, valid in streams:
            given[name] += valid.value == 1
    return asked, given
