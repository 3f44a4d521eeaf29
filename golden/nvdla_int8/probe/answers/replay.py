"""Answers in the report of ``replay --json``, on a board or not."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from nvdla_int8.errors import BenchError
from nvdla_int8.json_files import read_json
from nvdla_int8.probe.folder import ProbeFolder
from nvdla_int8.probe.report import Outcome, ProbeResult
from nvdla_int8.trace.result import Verdict

OUTCOMES = {Verdict.PASSED: Outcome.SOUND, Verdict.FAILED: Outcome.WRONG, Verdict.INCOMPLETE: Outcome.HUNG}


def answers_of_replay(folder: ProbeFolder, path: Path) -> Iterator[ProbeResult]:
    """What ``replay --json`` says of traces whose names are those of probes; BenchError for another file."""
    report: Any = read_json(path, "a replay's report")
    traces = report.get("traces") if isinstance(report, dict) else None
    if not isinstance(traces, list) or not all(isinstance(one, Mapping) for one in traces):
        raise BenchError(f"{path}: is no report of replay --json: no traces in it")
    probes = {one.name: one for one in folder.probes}
    for trace in traces:
        cfg, verdict, message = (str(trace.get(name, "")) for name in ("path", "verdict", "message"))
        probe = probes.get(Path(cfg).stem)
        if probe is None:
            continue
        if verdict not in Verdict.__members__.values():
            raise BenchError(f"{path}: {cfg}: verdict {verdict!r} is none of {', '.join(Verdict)}")
        outcome = OUTCOMES.get(Verdict(verdict), Outcome.NOT_RUN)
        yield ProbeResult(probe, outcome, message.replace(f"{cfg}:", "line ", 1))
