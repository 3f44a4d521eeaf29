"""What one program reached of the coverage plan: on the golden device, and on RTL where it ran there."""

from nvdla_bench.player import protocol_samples, state_samples
from nvdla_bench.player.trace_replay import RtlResult
from nvdla_int8.coverage.plan import PARTS, load_plan
from nvdla_int8.coverage.programs import count_program
from nvdla_int8.generator import GeneratedProgram
from nvdla_int8.trace.result import TraceResult

SAMPLERS = {*protocol_samples.SAMPLERS, *state_samples.SAMPLERS}
"""Everyone who samples a run on RTL."""


def count_outcome(program: GeneratedProgram, result: TraceResult) -> dict[str, int]:
    """How often each bin was met; what the result had sampled is counted then, and gone.

    Raises
    ------
    BenchError
        Plan and samplers do not belong together.
    """
    plan = load_plan()
    counts = count_program(program, plan)
    if isinstance(result, RtlResult):
        plan.check_samplers(PARTS[2:], SAMPLERS)
        counts |= plan.count(result.samples)
        result.samples = []
    return counts
