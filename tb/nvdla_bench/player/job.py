"""What the replay command hands to the simulator's process, and what comes back: files in one folder."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from nvdla_bench.player.player_file import Settings
from nvdla_bench.protocol.monitors import StreamTap
from nvdla_int8.json_files import write_json

FOLDER_VARIABLE = "NVDLA_REPLAY_JOB"
JOB = "job.json"


@dataclass(frozen=True)
class ReplayJob:
    """Traces to replay in one simulation.

    Attributes
    ----------
    folder
        Where the job and its results are.
    traces
        The ``.cfg`` files, absolute.
    build
        The device's build.
    settings
        How memory and bus behave; each trace draws its stalls from the seed and its own number.
    limit_cycles
        How long a wait may take, 0 for a limit from the trace.
    monitors, checkers
        Watch the protocols from Python, cycle by cycle; the build's checkers do.
    stages
        The stages to record and compare.
    streams
        Streams inside that are checked, by name; paths from the bench's top.
    compare_state
        Compare all registers at the end of each trace.
    """

    folder: Path
    traces: tuple[Path, ...]
    build: str
    settings: Settings
    limit_cycles: int = 0
    monitors: bool = False
    checkers: bool = False
    stages: tuple[str, ...] = ()
    streams: Mapping[str, StreamTap] = field(default_factory=dict)
    compare_state: bool = False

    def save(self) -> None:
        """Write the job."""
        self.folder.mkdir(parents=True, exist_ok=True)
        fields = asdict(self) | {"folder": None, "traces": [str(path) for path in self.traces]}
        write_json(fields, self.folder / JOB)

    @classmethod
    def open(cls, folder: Path) -> "ReplayJob":
        """Read what :meth:`save` wrote."""
        fields = json.loads((folder / JOB).read_text())
        settings = dict(fields.pop("settings"))
        settings["stall_rates"] = tuple(settings["stall_rates"])
        traces = tuple(Path(path) for path in fields.pop("traces"))
        fields["stages"] = tuple(fields["stages"])
        fields["streams"] = {
            name: StreamTap(tap["valid"], tap["ready"], tuple(tap["payload"]))
            for name, tap in fields["streams"].items()
        }
        return cls(**(fields | {"folder": folder}), traces=traces, settings=Settings(**settings))

    def store(self, index: int, result: dict[str, Any]) -> None:
        """Keep a trace's result."""
        partial = self.folder / f"result_{index}.partial"
        partial.write_text(json.dumps(result) + "\n")
        partial.rename(self._result(index))

    def open_traces(self) -> list[int]:
        """Traces, by index, that have no result."""
        return [index for index in range(len(self.traces)) if not self._result(index).exists()]

    def _result(self, index: int) -> Path:
        return self.folder / f"result_{index}.json"

    def results(self, seen: Sequence[int] = ()) -> Iterator[tuple[int, dict[str, Any]]]:
        """Results so far, without those seen already."""
        for index in range(len(self.traces)):
            if index not in seen and self._result(index).exists():
                yield index, json.loads(self._result(index).read_text())
