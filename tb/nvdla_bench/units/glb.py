"""Bench of nvdla_glb against the device's interrupt registers."""

from typing import Any

import cocotb
from cocotb.triggers import RisingEdge

from nvdla_bench.simulator.compiled import run_seed
from nvdla_bench.units.support.comparison import Comparison, report, resolved
from nvdla_bench.units.support.unit_streams import reset
from nvdla_int8.device.device import Device
from nvdla_int8.device.interrupts import INTERRUPT_BITS
from nvdla_int8.registers.register_map import WORD_MASK, load_register_map
from nvdla_int8.seeds import generator

CYCLES = 3000
UNITS = ("sdp", "pdp", "cdp", "cdma_dat", "cdma_wt", "cacc")
OFFSETS = 1 << 10
OUTPUTS = {"csb_rdata": 32, "intr": 1}
WIDTHS = {"cycle": 32, "offset": 10, "word": 32, **OUTPUTS}


@cocotb.test()
async def interrupts_and_registers(dut: Any) -> None:
    """Done pulses of all units and groups among random accesses; a pulse and a clear in one cycle."""
    random = generator(run_seed(), "glb")
    ports = [f"{unit}_{end}" for unit in UNITS for end in ("done", "group")]
    await reset(dut, ("csb_valid", "csb_write", "csb_addr", "csb_wdata", *ports), [*OUTPUTS])
    glb = load_register_map()["GLB"]
    names = {(item.address - glb.base) // 4: f"GLB.{name}" for name, item in glb.registers.items()}
    device = Device()
    comparison = Comparison()
    raised: set[str] = set()
    met = 0
    for cycle in range(CYCLES):
        offset = int(random.choice([*names, *names, *names, int(random.integers(OFFSETS))]))
        word = int(random.choice([0, WORD_MASK, *(1 << random.integers(0, 32, 3)), random.integers(WORD_MASK)]))
        valid, write = random.random() < 0.8, random.random() < 0.5
        done = {unit: int(random.integers(2)) for unit in UNITS if random.random() < 0.1}
        dut.csb_valid.value, dut.csb_write.value = valid, write
        dut.csb_addr.value, dut.csb_wdata.value = offset, word
        for unit in UNITS:
            getattr(dut, f"{unit}_done").value = unit in done
            getattr(dut, f"{unit}_group").value = done.get(unit, int(random.integers(2)))
        await RisingEdge(dut.clk)
        expected = {
            "csb_rdata": device.read(names[offset]) if offset in names else 0,
            "intr": int(device.interrupt),
        }
        actual = {name: resolved(getattr(dut, name)) for name in OUTPUTS}
        comparison.check({"cycle": cycle, "offset": offset, "word": word}, expected, actual, WIDTHS)
        if valid and write and offset in names:
            device.write(names[offset], word)
            met += bool(done) and names[offset] == "GLB.S_INTR_STATUS"
        for unit, group in done.items():
            interrupt = f"{unit.upper()}_{group}"
            device.write("GLB.S_INTR_SET", 1 << INTERRUPT_BITS[interrupt])
            raised.add(interrupt)
    assert raised == {f"{unit.upper()}_{group}" for unit in UNITS for group in (0, 1)}, report(
        f"only {sorted(raised)} were raised"
    )
    assert met, report("no done pulse met a clearing write")
    comparison.finish()
