"""Reads all answers to the probes of a folder at once."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from nvdla_int8.errors import BenchError, located
from nvdla_int8.probe.answers.memory import answer_of_dump, answers_of_dump_folder
from nvdla_int8.probe.answers.replay import answers_of_replay
from nvdla_int8.probe.answers.runner import answers_of_runner
from nvdla_int8.probe.folder import ProbeFolder, read_probe_folder
from nvdla_int8.probe.report import Outcome, ProbeReport, ProbeResult
from nvdla_int8.probe.runner.results import WORD, is_runner_results, read_runner_results

NO_ANSWER = "nothing tells of it"


def read_probe_results(path: Path, dumps: Sequence[str]) -> ProbeReport:
    """Read the answers to the probes of a folder.

    Parameters
    ----------
    path
        The folder.
    dumps
        Any of: ``RESULTS.bin``, the memory of ``nvdla_probe_results``; the ``.json`` of ``replay --json``; the folder
        of ``replay --dump``; ``NAME.bin``, or ``NAME.bin@ADDRESS``, memory after the probe NAME in any form of a dump,
        or a folder of these. What several say of a probe counts together: it failed if it did in one.

    Raises
    ------
    BenchError
        One line: a file that is none of these or cannot be read, results of other probes than the folder's.
    """
    folder = read_probe_folder(path)
    found = {probe.name: ProbeResult(probe, Outcome.NOT_RUN, NO_ANSWER) for probe in folder.probes}
    for dump in dumps:
        answers = {one.probe.name: one for one in _answers(folder, dump)}
        if not answers:
            raise BenchError(f"{dump}: tells of no probe of {path}")
        found |= {name: _joined(found[name], one) for name, one in answers.items()}
    return ProbeReport(str(path), tuple(found.values()))


def _joined(before: ProbeResult, result: ProbeResult) -> ProbeResult:
    """What two files say of a probe: one that failed did; bytes are kept, whoever has them."""
    telling = before if before.outcome.failed and not result.outcome.failed else result
    return ProbeResult(telling.probe, telling.outcome, telling.words, result.observed or before.observed)


def _answers(folder: ProbeFolder, dump: str) -> Iterator[ProbeResult]:
    path = Path(dump)
    if path.is_dir():
        yield from answers_of_dump_folder(folder, path)
    elif path.suffix == ".json":
        yield from answers_of_replay(folder, path)
    elif _begins_as_results(path):
        with located(dump):
            yield from answers_of_runner(folder, read_runner_results(path.read_bytes()), dump)
    else:
        yield answer_of_dump(folder, dump)


def _begins_as_results(path: Path) -> bool:
    try:
        with path.open("rb") as stream:
            return is_runner_results(stream.read(WORD))
    except OSError:  # with a place behind it, or what reads dumps tells
        return False
