"""What layers that follow one another have to do with one another."""

from collections.abc import Iterator, Sequence
from itertools import pairwise

from nvdla_int8.build import Build
from nvdla_int8.coverage.plan import Sample
from nvdla_int8.device.layer_run import LayerRun
from nvdla_int8.generator.sequence import Step

SAMPLERS = ("following", "software", "groups", "rings")


def sequence_samples(layers: Sequence[LayerRun], steps: Sequence[Step], build: Build) -> Iterator[Sample]:
    """Of layers and of the steps in which software runs them; there are none of a network."""
    convolutions = [run for run in layers if run.convolution is not None]
    yield from _cbuf_of_several(convolutions, build)
    for index, (before, step) in enumerate(pairwise(steps), start=1):
        reads = step.waits_for == index
        order = None if before.writer == step.writer else f"{step.writer} after {before.writer}"
        yield Sample("following", {"reads the one before": reads, "overlaps the one before": not reads, "order": order})
    for step in steps:
        groups = step.groups
        values = {
            f"{unit} and {reader} in different groups": {reader, unit} <= groups.keys()
            and groups[reader] != groups[unit]
            for reader, unit in (("SDP_RDMA", "SDP"), ("PDP_RDMA", "PDP"))
        }
        yield Sample("groups", values)
    for step in steps[1:]:
        if "CDP" in step.groups:
            yield Sample("software", {"tables of an LRN before": not step.layer.tables})


def _cbuf_of_several(convolutions: Sequence[LayerRun], build: Build) -> Iterator[Sample]:
    """Layers with the same banks go on where the one before ended, and around the end of the banks."""
    ends = [0, 0]
    banks: int | None = None
    for run in convolutions:
        equal = run.registers.word("CDMA.D_BANK") == banks
        following = banks is not None
        if not equal:
            banks, ends = run.registers.word("CDMA.D_BANK"), [0, 0]
        around = [False, False]
        for index, (entries, capacity) in enumerate(_cbuf_entries(run, build)):
            begin, ends[index] = ends[index], ends[index] + entries
            around[index] = begin // capacity < (ends[index] - 1) // capacity and begin % capacity > 0
        values = {
            "equal banks": following and equal,
            "other banks": following and not equal,
            "input goes around its banks": around[0],
            "weights go around their banks": around[1],
        }
        yield Sample("rings", values)


def _cbuf_entries(run: LayerRun, build: Build) -> Iterator[tuple[int, int]]:
    """Entries of the input and of the weights that are loaded, each with those that its banks hold."""
    assert run.convolution is not None
    size, fetch = run.registers.size, run.convolution.fetch
    rows = size("CDMA.D_DATAIN_SIZE_0.DATAIN_HEIGHT") if fetch.data else 0
    yield size("CDMA.D_ENTRY_PER_SLICE.ENTRIES") * rows, size("CDMA.D_BANK.DATA_BANK") * build.cbuf_bank_entries
    weights = -(-run.registers.word("CDMA.D_WEIGHT_BYTES") // build.cbuf_entry_bytes) if fetch.weights else 0
    yield weights, size("CDMA.D_BANK.WEIGHT_BANK") * build.cbuf_bank_entries
