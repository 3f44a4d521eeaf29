"""Answers in dumps of memory, taken after each probe and named after it."""

from collections.abc import Iterator
from pathlib import Path

from nvdla_int8.checkup.observed import Observed
from nvdla_int8.checkup.place_dump import DumpArgument, place_dump, place_dumps
from nvdla_int8.dumps.memory_dump import read_memory_dump
from nvdla_int8.errors import BenchError
from nvdla_int8.probe.answers.wrong_bytes import timeline_of_probe, wrong_words
from nvdla_int8.probe.folder import ProbeFolder, StoredProbe
from nvdla_int8.probe.report import Outcome, ProbeResult


def answer_of_dump(folder: ProbeFolder, argument: str) -> ProbeResult:
    """What a dump of memory says of the probe that it is named after.

    A file without addresses and without a place begins with the probe's first output.
    """
    told = DumpArgument.of(argument)
    probe = next((one for one in folder.probes if one.name == told.path.stem), None)
    if probe is None:
        raise BenchError(f"{argument}: neither results of the runner nor named after a probe of {folder.path}")
    if not probe.outputs:
        raise BenchError(f"{argument}: probe {probe.name} leaves nothing in memory")
    if told.address is None and not told.layer and not read_memory_dump(told.path).absolute:
        argument = f"{argument}@{min(output.base for output in probe.outputs):#x}"
    return _compared(probe, (place_dump(argument, timeline_of_probe(probe)),))


def answers_of_dump_folder(folder: ProbeFolder, path: Path) -> Iterator[ProbeResult]:
    """What a folder says: with a folder for each probe, as ``replay --dump`` makes them, or a file for each."""
    for probe in folder.probes:
        layers = sorted((path / probe.name).glob("layer_*.bin"))
        if layers and probe.outputs:
            places = [f"{file}@{file.stem.replace('_', '')}" for file in layers]
            yield _compared(probe, place_dumps(places, timeline_of_probe(probe)))
        for file in sorted(path.glob(f"{probe.name}.*")):
            yield answer_of_dump(folder, str(file))


def _compared(probe: StoredProbe, observed: tuple[Observed, ...]) -> ProbeResult:
    words = wrong_words(probe, observed)
    return ProbeResult(probe, Outcome.WRONG if words else Outcome.SOUND, words, observed)
