"""Answers in the results that the C runner leaves in memory."""

from collections.abc import Iterator

import numpy as np

from nvdla_int8.checkup.observed import Observed
from nvdla_int8.errors import BenchError
from nvdla_int8.probe.answers.wrong_bytes import wrong_words
from nvdla_int8.probe.folder import ProbeFolder, StoredProbe
from nvdla_int8.probe.report import Outcome, ProbeResult
from nvdla_int8.probe.runner.results import Row, RunnerResults, State
from nvdla_int8.probe.runner.write import set_number
from nvdla_int8.trace.commands import IntrNotify, PollReg


def answers_of_runner(folder: ProbeFolder, results: RunnerResults, source: str) -> Iterator[ProbeResult]:
    """What the runner's results say of each probe; BenchError for results of other probes."""
    number = set_number([one.name for one in folder.probes], [one.outputs for one in folder.probes])
    if results.set_number != number or len(results.rows) != len(folder.probes):
        raise BenchError(
            f"results of other probes ({results.set_number:#010x}) than those of {folder.path} ({number:#010x})"
        )
    begin = 0
    for probe, row in zip(folder.probes, results.rows, strict=True):
        found = results.found[begin : begin + probe.output_bytes]
        begin += probe.output_bytes
        observed = _observed(probe, found, source) if row.state is State.RAN else ()
        yield _of_row(probe, row, observed)


def _of_row(probe: StoredProbe, row: Row, observed: tuple[Observed, ...]) -> ProbeResult:
    if row.state is State.NOT_RUN:
        return ProbeResult(probe, Outcome.NOT_RUN, "a probe before it hung")
    words = []
    if row.operation is not None:
        words.append(_operation_words(probe, row.operation, row.value))
    if row.wrong:
        words.append(wrong_words(probe, observed) or f"{row.wrong:,} bytes wrong, the first at {row.address:#x}")
    outcome = Outcome.HUNG if row.state is State.HUNG else Outcome.WRONG if words else Outcome.SOUND
    return ProbeResult(probe, outcome, "; ".join(words), observed)


def _operation_words(probe: StoredProbe, index: int, value: int) -> str:
    if index >= len(probe.operations):
        raise BenchError(f"probe {probe.name} has {len(probe.operations)} operations, results tell of number {index}")
    match probe.operations[index]:
        case IntrNotify(interrupt=interrupt):
            return f"interrupt {interrupt} does not come (GLB.S_INTR_STATUS is {value:#x})"
        case PollReg(register=register, value=expected):
            return f"{register} is {value:#x}, not {expected:#x}"
        case _:
            raise BenchError(f"probe {probe.name}: operation {index} waits for nothing, results tell that it did")


def _observed(probe: StoredProbe, found: bytes, source: str) -> tuple[Observed, ...]:
    """Bytes found where outputs are, one output after the other; nothing of a probe without any."""
    if not found:
        return ()
    addresses = np.concatenate([one.base + np.arange(len(one.data)) for one in probe.outputs])
    order = np.argsort(addresses)
    return (Observed(source, addresses[order], np.frombuffer(found, np.uint8)[order]),)
