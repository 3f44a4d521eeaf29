"""What a generated program reaches on the golden device alone: the plan's parts for programs and arithmetic."""

from collections.abc import Iterator

from nvdla_int8.build import Build, find_build
from nvdla_int8.coverage.collected import Collected
from nvdla_int8.coverage.plan import MODEL_PARTS, CoveragePlan, Sample
from nvdla_int8.coverage.samplers import convolution, lrn, pooling, reuse, sdp, sequence, units
from nvdla_int8.device.cbuf_contents import CbufContents
from nvdla_int8.device.layer_run import LayerRun
from nvdla_int8.device.run_layer import run_layer, write_output
from nvdla_int8.generator import GeneratedProgram, generate, program_seeds
from nvdla_int8.surfaces.memory import Memory
from nvdla_int8.trace.commands import MemInit, MemLoad

SAMPLERS = {
    "kind", "flags",
    *sdp.SAMPLERS, *convolution.SAMPLERS, *pooling.SAMPLERS, *lrn.SAMPLERS, *reuse.SAMPLERS, *sequence.SAMPLERS,
    *units.SAMPLERS,
}  # fmt: skip
"""Everyone who samples a program."""


def count_program(program: GeneratedProgram, plan: CoveragePlan) -> dict[str, int]:
    """How often a program meets each bin, see :meth:`CoveragePlan.count`; BenchError when plan and samplers differ."""
    plan.check_samplers(MODEL_PARTS, SAMPLERS)
    return plan.count(program_samples(program))


def collect_programs(seed: str, count: int, plan: CoveragePlan) -> Collected:
    """What so many programs of a seed reach on the golden device alone.

    Raises
    ------
    BenchError
        A bad seed, or a plan that does not belong to the samplers.
    """
    collected = Collected(MODEL_PARTS)
    for one in program_seeds(seed, count):
        command = f"nvdla-int8 coverage --programs 1 --seed {one}"
        collected.add(count_program(generate(one), plan), "on the golden device", command)
    return collected


def program_samples(program: GeneratedProgram) -> Iterator[Sample]:
    """Everything that is to be seen of a program."""
    build = find_build(program.build)
    yield Sample("kind", {"kind": program.kind, "layers": len(program.layers)})
    for run in program.layers:
        if run.sdp is not None:
            yield from sdp.sdp_samples(run, build)
        if run.convolution is not None:
            yield from convolution.convolution_samples(run, build)
        if run.pooling is not None:
            yield from pooling.pooling_samples(run, build)
        if run.lrn is not None:
            yield from lrn.lrn_samples(run, build)
        yield Sample("flags", {"clipped": _flags(run)})
    yield from sequence.sequence_samples(program.layers, program.steps, build)
    yield from reuse.reuse_samples([run for run in program.layers if run.convolution is not None], build)
    yield from arithmetic_samples(program, build)


def _flags(run: LayerRun) -> dict[str, int]:
    """Elements that each saturating step clipped, by the step's name."""
    flags = dict(run.convolution.saturations) if run.convolution is not None else {}
    flags |= run.sdp.saturations if run.sdp is not None else {}
    return flags | ({f"lrn_{name}": count for name, count in run.lrn.saturations.items()} if run.lrn else {})


def arithmetic_samples(program: GeneratedProgram, build: Build) -> Iterator[Sample]:
    """What the arithmetic of a program's layers meets: each layer is run again, watched."""
    memory, cbuf = Memory(), CbufContents()
    for command in program.commands:
        if isinstance(command, MemInit):
            memory.clear(command.base, command.size)
        elif isinstance(command, MemLoad):
            memory.write_bytes(command.base, program.files[command.file])
    for run in program.layers:
        points = units.WatchedPoints(run.registers, build)
        parts = run_layer(run.registers, build, memory, cbuf, run.lut, points)
        cbuf = parts.cbuf
        write_output(memory, parts.destination, parts.output)
        yield from points.samples
