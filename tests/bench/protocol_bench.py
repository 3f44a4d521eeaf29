"""Plays scenarios and random cycles into protocol_top; writes what monitors and checkers reported to a file."""

import json
from pathlib import Path
from typing import Any

import cocotb
from cocotb.clock import Clock
from cocotb.triggers import ClockCycles, RisingEdge
from cocotb.types import Logic, LogicArray

from nvdla_bench.protocol import (
    MUST_SEE,
    AxiRules,
    Breach,
    CheckerFiles,
    ProtocolRules,
    StreamTap,
    attach,
    watch_outputs,
)
from nvdla_bench.protocol.checker_files import PORT_CHECKERS
from nvdla_bench.simulator.compiled import run_seed
from nvdla_int8.seeds import generator
from tests.bench.protocol_scenarios import SCENARIOS, Cycle, Scenario, Value

CONFIG = ProtocolRules(
    axi=AxiRules(max_outstanding=4),
    csb_outstanding=4,
    streams={"stream": StreamTap("stream_valid", "stream_ready", ("stream_data",))},
)
VERDICTS = "verdicts.json"
SILENT = "nothing at all, where a program was expected"
RESET_CYCLES = 3
RANDOM_PROGRAMS = 150
RANDOM_CYCLES = 12


def as_value(value: Value) -> int | Logic | LogicArray:
    if isinstance(value, int):
        return value
    return Logic(value) if len(value) == 1 else LogicArray(value)


class Driver:
    """Sets all nets anew in every cycle; nets that a cycle does not name are 0."""

    def __init__(self, dut: Any) -> None:
        self._dut = dut
        self._set: set[str] = set()

    async def cycle(self, values: Cycle) -> None:
        for name in self._set - values.keys():
            getattr(self._dut, name).value = 0
        for name, value in values.items():
            getattr(self._dut, name).value = as_value(value)
        self._set = set(values)
        await RisingEdge(self._dut.dla_core_clk)

    async def play(self, scenario: Scenario) -> None:
        for index, values in enumerate(scenario.cycles):
            await self.cycle({"dla_reset_rstn": int(index not in scenario.resets), **values})
        for _ in range(2):
            await self.cycle({"dla_reset_rstn": 1})
        known = scenario.expected_beats is not None
        end = {"finish": 1, "stream_count_known": int(known), "stream_count_expected": scenario.expected_beats or 0}
        await self.cycle({"dla_reset_rstn": 1, **end})


class Bench:
    """The top with monitors on it, and checkers when the simulator is Verilator."""

    def __init__(self, dut: Any) -> None:
        for handle in dut:
            if handle._name not in ("breaches", "dla_core_clk"):
                handle.value = 0
        self._dut = dut
        self.four_state = not cocotb.SIM_NAME.lower().startswith("verilator")
        self._driver = Driver(dut)
        self._monitors = attach(dut, CONFIG)
        self._outputs = watch_outputs(dut, CONFIG)
        self._files = None if self.four_state else CheckerFiles(Path.cwd(), (*PORT_CHECKERS, "stream"))
        self._counted = 0
        Clock(dut.dla_core_clk, 2, "ns").start()

    async def run(self, scenario: Scenario, must_see: tuple[str, ...] = ()) -> dict[str, Any]:
        """Play one scenario behind a reset; what was reported, cycles counted from its first one."""
        for _ in range(RESET_CYCLES):
            await self._driver.cycle({})
        monitors = self._monitors
        monitors.forget()
        self._outputs.forget()
        monitors.streams["stream"].expected = scenario.expected_beats
        # The next falling edge samples the scenario's first cycle.
        start = monitors.axi.cycle + 1
        await self._driver.play(scenario)
        verdict: dict[str, Any] = {
            "python": _as_json(monitors.finish(must_see), start),
            "counts": monitors.counts,
            "outputs": _as_json(self._outputs.breaches, start),
        }
        await self._driver.cycle({"dla_reset_rstn": 1})
        if self._files is not None:
            report = self._files.collect(must_see)
            total = int(self._dut.breaches.value)
            verdict["sva"] = _as_json(report.breaches, start)
            verdict["sva_counts"] = report.counts
            verdict["sva_total"] = total - self._counted
            self._counted = total
        return verdict


def _as_json(breaches: list[Breach], start: int) -> list[list[Any]]:
    return [[breach.checker, breach.rule, breach.cycle - start, breach.values] for breach in breaches]


@cocotb.test()
async def all_scenarios(dut: Any) -> None:
    """Nothing is judged here: the test that started this run reads the verdicts."""
    bench = Bench(dut)
    await ClockCycles(dut.dla_core_clk, 2)
    verdicts = {
        name: await bench.run(scenario)
        for name, scenario in SCENARIOS.items()
        if bench.four_state or not scenario.four_state
    }
    verdicts[SILENT] = await bench.run(Scenario([{}]), MUST_SEE)
    Path(VERDICTS).write_text(json.dumps(verdicts, indent=1))


@cocotb.test()
async def random_cycles(dut: Any) -> None:
    """Values without any sense: monitors and checkers must find the same, whatever it is."""
    random = generator(run_seed(), "protocol")
    widths = {handle._name: len(handle) for handle in dut if handle._name not in ("breaches", "dla_core_clk")}
    widths = {name: width for name, width in widths.items() if not name.startswith(("dla_", "finish", "stream_count"))}
    bench = Bench(dut)
    await ClockCycles(dut.dla_core_clk, 2)
    verdicts = []
    for _ in range(RANDOM_PROGRAMS):
        # Fields of few values, so that answers meet requests.
        density = random.uniform(0.2, 0.9)
        cycles: list[Cycle] = [
            {name: int(random.random() < density) * (1 if width == 1 else int(random.integers(1, 3)))
             for name, width in widths.items()}
            for _ in range(RANDOM_CYCLES)
        ]  # fmt: skip
        resets = frozenset(random.integers(0, 4 * RANDOM_CYCLES, 1).tolist())
        verdicts.append(await bench.run(Scenario(cycles, resets=resets, expected_beats=int(random.integers(0, 8)))))
    Path(VERDICTS).write_text(json.dumps(verdicts))
