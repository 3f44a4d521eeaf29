"""What a serving simulation is told, and what it tells: files in the run's folder."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

JOB, PORT = "job.json", "port"


@dataclass(frozen=True)
class ServingJob:
    """How to serve.

    Attributes
    ----------
    name
        What the device is called.
    host, port
        Where to listen; port 0 takes a free one.
    once
        End when the first client has gone.
    parent
        Process without which the simulation ends.
    latency_cycles, stall_rate
        How the memory behaves.
    tie_offs
        Inputs of the device that are constant.
    """

    name: str
    host: str
    port: int
    once: bool
    parent: int
    latency_cycles: int
    stall_rate: float
    tie_offs: Mapping[str, int]

    def store(self, folder: Path) -> None:
        """Write it into the run's folder."""
        (folder / JOB).write_text(json.dumps(asdict(self)))

    @classmethod
    def open(cls, folder: Path) -> "ServingJob":
        """Read it there."""
        return cls(**json.loads((folder / JOB).read_text()))
