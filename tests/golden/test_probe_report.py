"""What answers to probes say of units, and the runner's results word by word."""

import struct
from pathlib import Path

import pytest

from nvdla_int8.errors import BenchError
from nvdla_int8.probe.folder import StoredProbe
from nvdla_int8.probe.report import Outcome, ProbeReport, ProbeResult, UnitVerdict, answer
from nvdla_int8.probe.runner.results import Row, State, is_runner_results, read_runner_results
from nvdla_int8.probe.unit import Unit


def report(**outcomes: Outcome) -> ProbeReport:
    """One probe of each unit, sound but for those that are named."""
    probes = [StoredProbe(unit.name.lower(), unit, "something", Path()) for unit in Unit]
    return ProbeReport(
        "probes", tuple(ProbeResult(one, outcomes.get(one.unit.name, Outcome.SOUND), "why") for one in probes)
    )


def test_probe_report_of_sound_probes_is_sound() -> None:
    found = report()
    assert set(found.verdicts.values()) == {UnitVerdict.SOUND}
    assert (found.exit_status, found.first_failing) == (0, None)
    assert answer(found).startswith("all units are sound")


def test_probe_report_does_not_accuse_what_builds_on_a_broken_unit_however_far() -> None:
    found = report(CONVOLUTION=Outcome.WRONG, PIXELS=Outcome.WRONG, LRN=Outcome.HUNG)
    assert found.verdicts[Unit.CONVOLUTION] is UnitVerdict.WRONG
    assert found.verdicts[Unit.PIXELS] is UnitVerdict.UNJUDGED
    assert found.verdicts[Unit.PADDING] is UnitVerdict.SOUND, "its bytes are right"
    assert found.verdicts[Unit.LRN] is UnitVerdict.WRONG, "it does not build on convolutions"
    assert found.first_failing is not None
    assert found.first_failing.probe.unit is Unit.CONVOLUTION
    assert found.exit_status == 1


def test_probe_report_tells_what_did_not_run_from_what_cannot_be_judged() -> None:
    found = report(MEMORY=Outcome.HUNG, X1=Outcome.NOT_RUN, LRN=Outcome.NOT_RUN)
    assert found.verdicts[Unit.X1] is UnitVerdict.UNJUDGED
    assert found.verdicts[Unit.LRN] is UnitVerdict.NOT_RUN
    nothing_wrong = report(LRN=Outcome.NOT_RUN)
    assert nothing_wrong.exit_status == 2
    assert answer(nothing_wrong).startswith("nothing is wrong as far as probes ran")


def words(order: str, done: int = 1, rows: tuple[int, ...] = (1, 0xFFFFFFFF, 0, 2, 0x80000010, 3, 4, 5)) -> bytes:
    header = (0x4250564E, 1, 0x1234, 1, 8, 3, done, 0)
    return struct.pack(f"{order}16I", *header, *rows) + b"abc"


@pytest.mark.parametrize("order", ["<", ">"])
def test_probe_results_are_read_in_the_order_of_the_processor(order: str) -> None:
    data = words(order)
    assert is_runner_results(data)
    results = read_runner_results(data + bytes(50))
    assert (results.set_number, results.found, results.done) == (0x1234, b"abc", True)
    assert results.rows == (Row(State.RAN, None, 0, 2, 0x80000010, 3, 4, 5),)


def test_probe_results_of_a_runner_that_is_not_done_are_read() -> None:
    results = read_runner_results(words("<", done=0, rows=(2, 7, 1, 0, 0, 0, 0, 0)))
    assert not results.done
    assert results.rows[0].state is State.HUNG
    assert results.rows[0].operation == 7


@pytest.mark.parametrize("size", [0, 3, 31, 60, 66])
def test_probe_results_that_are_cut_off_are_refused(size: int) -> None:
    with pytest.raises(BenchError):
        read_runner_results(words("<")[:size])
