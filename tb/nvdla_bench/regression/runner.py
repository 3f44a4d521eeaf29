"""Runs the programs of ``nvdla-int8 regress`` on a described device, many in one simulation."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from functools import cached_property
from importlib.metadata import version
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

from nvdla_bench.dut.description import Dut, load_dut
from nvdla_bench.files import DEFAULT_DUT, SIM_BUILD
from nvdla_bench.player.compile import compile_dut, content_hash
from nvdla_bench.player.job import FOLDER_VARIABLE, ReplayJob
from nvdla_bench.player.player_file import Settings
from nvdla_bench.player.simulate import initial_state, stream_taps
from nvdla_bench.player.trace_replay import RtlResult
from nvdla_bench.regression.batch import Case
from nvdla_bench.simulator import checks_assertions
from nvdla_bench.simulator.compiled import Compiled
from nvdla_bench.simulator.tools import require_simulator, simulator_version
from nvdla_int8.coverage.plan import PARTS
from nvdla_int8.errors import BenchError
from nvdla_int8.trace.result import TraceResult

BENCH = "nvdla_bench.regression.bench"
SETTINGS = "settings.json"
START_LIMIT_S = 60
VERILATED_LIMIT_S, PROGRAM_LIMIT_S = 60, 240
"""What a simulation may take to start, and for each program; RTL can loop without a clock cycle passing."""

STALL_SEED = "regress"
"""The same for every simulation: a program's stalls come from its name, wherever it runs."""

_RESULT = TypeAdapter(RtlResult)


class DutRunner:
    """Runs programs on RTL; can be handed to another process.

    The stages that the description names are compared, and on Verilator the ports' protocols checked.

    Parameters
    ----------
    sim
        The simulator.
    description
        The device's description; by default the project's own device.
    compiled_root
        Where builds go.

    Raises
    ------
    BenchError
        A description that cannot be used.
    """

    def __init__(self, sim: str, description: Path = DEFAULT_DUT, compiled_root: Path = SIM_BUILD) -> None:
        self._sim = sim
        self._description = None if description.resolve() == DEFAULT_DUT else description
        self._compiled_root = compiled_root.resolve()
        self._limit_s = VERILATED_LIMIT_S if sim == "verilator" else PROGRAM_LIMIT_S
        self._compiled: dict[bool, Compiled] = {}
        self.name = self._dut.file_name
        self.build = self._dut.build.name
        self.source = f"on {self.name} in {sim}"
        self.parts = PARTS

    def __getstate__(self) -> dict[str, Any]:
        """Without the device's files: another process finds them anew, our own core's wherever it has that."""
        kept = {name: value for name, value in vars(self).items() if name != "_dut"}
        return kept | {"_description": self._description and self._description.resolve()}

    @cached_property
    def _dut(self) -> Dut:
        return load_dut(self._description or DEFAULT_DUT)

    def versions(self) -> dict[str, str]:
        """The simulator's and cocotb's, and a hash of the device's files."""
        require_simulator(self._sim)
        digest = content_hash(self._dut)
        return {self._sim: simulator_version(self._sim), "cocotb": version("cocotb"), "device": digest}

    def prepare(self, *, waves: bool) -> None:
        """Build the device with the bench, once for all simulations; BenchError when it does not compile."""
        if waves in self._compiled:
            return
        elsewhere = not self._compiled_root.parent.is_dir()  # on a machine that does not see that disk
        self._compiled[waves] = compile_dut(
            self._dut, self._sim, waves=waves, stages=True, checkers=checks_assertions(self._sim),
            compiled_root=SIM_BUILD if elsewhere else self._compiled_root,
        )  # fmt: skip

    def run(self, cases: Sequence[Case], folder: Path, *, waves: bool) -> Mapping[Path, TraceResult]:
        """Run the cases in one simulation; see :meth:`nvdla_bench.regression.batch.Runner.run`."""
        traces = tuple(case.trace.resolve() for case in cases)
        job = ReplayJob(
            folder.resolve(), traces, self.build, Settings(), checkers=checks_assertions(self._sim),
            stages=tuple(self._dut.description.stages), streams=stream_taps(self._dut),
            compare_state=self._dut.description.compare_state,
        )  # fmt: skip
        job.save()
        (job.folder / SETTINGS).write_text(json.dumps([asdict(case.settings) for case in cases]) + "\n")
        failure: BenchError | None = None
        try:
            ended = self._compiled[waves].run(
                BENCH,
                seed=STALL_SEED,
                results_dir=job.folder / "simulation",
                extra_env={FOLDER_VARIABLE: str(job.folder)},
                time_limit_s=START_LIMIT_S + self._limit_s * len(cases),
                plusargs=initial_state(self._dut, self._sim, cases[0].trace.stem),
            )
            if not ended.passed:
                failure = BenchError(f"the bench failed, see {ended.log}")
        except BenchError as error:
            failure = error
        results = {cases[index].trace: _RESULT.validate_python(fields) for index, fields in job.results()}
        if failure is not None and len(results) in (0, len(cases)):
            raise failure
        return results


def read_settings(folder: Path) -> list[Settings]:
    """The settings of each program of a batch."""
    settings = []
    for fields in json.loads((folder / SETTINGS).read_text()):
        settings.append(Settings(**(fields | {"stall_rates": tuple(fields["stall_rates"])})))
    return settings
