"""Bench of nvdla_stream_config."""

from typing import Any

import cocotb
from cocotb.triggers import ClockCycles, RisingEdge

from golden.registers import find_register, unpack
from golden.seeds import generator
from tb.simulators import run_seed
from tb.units.comparison import Comparison, report, resolved
from tb.units.unit_streams import reset

X_FIELDS = {
    "bypass": ("CFG", "BYPASS"),
    "alu_bypass": ("CFG", "ALU_BYPASS"),
    "alu_algo": ("CFG", "ALU_ALGO"),
    "mul_bypass": ("CFG", "MUL_BYPASS"),
    "mul_prelu": ("CFG", "MUL_PRELU"),
    "relu_bypass": ("CFG", "RELU_BYPASS"),
    "alu_src": ("ALU_CFG", "ALU_SRC"),
    "alu_shift": ("ALU_CFG", "ALU_SHIFT_VALUE"),
    "alu_operand": ("ALU_SRC_VALUE", "ALU_OPERAND"),
    "mul_src": ("MUL_CFG", "MUL_SRC"),
    "mul_shift": ("MUL_CFG", "MUL_SHIFT_VALUE"),
    "mul_operand": ("MUL_SRC_VALUE", "MUL_OPERAND"),
}
PORTS = {
    "pixel": ("CDMA.D_DATAIN_FORMAT", "DATAIN_FORMAT"),
    "pixel_signed": ("CDMA.D_DATAIN_FORMAT", "PIXEL_SIGN_OVERRIDE"),
    "mean_enable": ("CDMA.D_MEAN_FORMAT", "MEAN_FORMAT"),
    "mean_ry": ("CDMA.D_MEAN_GLOBAL_0", "MEAN_RY"),
    "mean_gu": ("CDMA.D_MEAN_GLOBAL_0", "MEAN_GU"),
    "mean_bv": ("CDMA.D_MEAN_GLOBAL_1", "MEAN_BV"),
    "mean_ax": ("CDMA.D_MEAN_GLOBAL_1", "MEAN_AX"),
    "cvt_enable": ("CDMA.D_CVT_CFG", "CVT_EN"),
    "cvt_truncate": ("CDMA.D_CVT_CFG", "CVT_TRUNCATE"),
    "cvt_offset": ("CDMA.D_CVT_OFFSET", "CVT_OFFSET"),
    "cvt_scale": ("CDMA.D_CVT_SCALE", "CVT_SCALE"),
    "pad_value": ("CSC.D_ZERO_PADDING_VALUE", "PAD_VALUE"),
    "acc_truncate": ("CACC.D_CLIP_CFG", "CLIP_TRUNCATE"),
    **{
        f"{unit.lower()}_{port}": (f"SDP.D_DP_{unit}_{register}", f"{unit}_{field}")
        for unit in ("BS", "BN")
        for port, (register, field) in X_FIELDS.items()
    },
    "out_precision": ("SDP.D_DATA_FORMAT", "OUT_PRECISION"),
    "out_offset": ("SDP.D_CVT_OFFSET", "CVT_OFFSET"),
    "out_scale": ("SDP.D_CVT_SCALE", "CVT_SCALE"),
    "out_shift": ("SDP.D_CVT_SHIFT", "CVT_SHIFT"),
}
"""Register and field behind each output port."""

UNKNOWN_BYTE_ADDRESSES = (0x0000, 0x3014, 0x30B8, 0x9000, 0x90BC + 0x1000)


async def _write(dut: Any, byte_address: int, word: int) -> None:
    dut.cfg_valid.value, dut.cfg_addr.value, dut.cfg_wdata.value = 1, byte_address // 4, word
    await RisingEdge(dut.clk)
    dut.cfg_valid.value = 0
    await RisingEdge(dut.clk)


def _check(dut: Any, comparison: Comparison, registers: dict[str, int], last: tuple[int, int]) -> None:
    widths = {port: len(getattr(dut, port)) for port in PORTS} | {"address": 16, "word": 32}
    expected = {port: unpack(name, registers[name], field) for port, (name, field) in PORTS.items()}
    actual = {port: resolved(getattr(dut, port)) for port in PORTS}
    comparison.check(dict(zip(("address", "word"), last, strict=True)), expected, actual, widths)


@cocotb.test()
async def writes_and_reset_values(dut: Any) -> None:
    """Reset values; random writes to every register in random order; unknown addresses; busy."""
    random = generator(run_seed(), "stream_config")
    await reset(dut, ("busy", "cfg_valid", "cfg_addr", "cfg_wdata"), ("cfg_ready", *PORTS))
    registers = {name: find_register(name).reset for name, _ in PORTS.values()}
    comparison = Comparison()
    _check(dut, comparison, registers, (0, 0))
    for name in random.permutation(sorted(registers) * 8).tolist():
        word = int(random.integers(1 << 32))
        registers[name] = word
        await _write(dut, find_register(name).address, word)
        _check(dut, comparison, registers, (find_register(name).address, word))
    for address in UNKNOWN_BYTE_ADDRESSES:
        assert dut.cfg_ready.value == 1, report("cfg_ready is low although nothing is busy")
        await _write(dut, address, 0xFFFFFFFF)
        _check(dut, comparison, registers, (address, 0xFFFFFFFF))
    await _busy(dut, comparison, registers)
    comparison.finish()


async def _busy(dut: Any, comparison: Comparison, registers: dict[str, int]) -> None:
    """While busy a write waits and changes nothing."""
    name = "SDP.D_CVT_OFFSET"
    address, word = find_register(name).address, registers[name] ^ 0xFFFFFFFF
    dut.busy.value = 1
    dut.cfg_valid.value, dut.cfg_addr.value, dut.cfg_wdata.value = 1, address // 4, word
    await ClockCycles(dut.clk, 4)
    assert dut.cfg_ready.value == 0, report("cfg_ready is high while busy")
    _check(dut, comparison, registers, (address, word))
    dut.busy.value = 0
    await RisingEdge(dut.clk)
    dut.cfg_valid.value = 0
    await RisingEdge(dut.clk)
    _check(dut, comparison, registers | {name: word}, (address, word))
