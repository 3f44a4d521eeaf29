"""A folder of probes: what is in it, which probe is of which unit, what each must give."""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from nvdla_int8.compiler.forms import write_as_trace
from nvdla_int8.compiler.register_program import Region
from nvdla_int8.errors import BenchError, located, writing
from nvdla_int8.json_files import read_json
from nvdla_int8.probe.probe import Probe
from nvdla_int8.probe.space import Room
from nvdla_int8.probe.unit import Unit
from nvdla_int8.trace.commands import CheckFile, Command, IntrNotify, PollReg, RegWrite, Trace, read_trace
from nvdla_int8.trace.dat import read_dat_image

INDEX = "probes.json"
FORMAT = "nvdla-int8 probes 1"


@dataclass(frozen=True)
class StoredProbe:
    """A probe of a folder.

    Attributes
    ----------
    name, unit, shows
        As of :class:`nvdla_int8.probe.probe.Probe`.
    folder
        Of its trace.
    """

    name: str
    unit: Unit
    shows: str
    folder: Path

    @cached_property
    def trace(self) -> Trace:
        """Its trace; BenchError names file and line."""
        return read_trace(self.folder)

    @cached_property
    def operations(self) -> tuple[Command, ...]:
        """What software does, as the table of the C form counts it."""
        return tuple(one for one in self.trace.commands if isinstance(one, RegWrite | PollReg | IntrNotify))

    @cached_property
    def outputs(self) -> tuple[Region, ...]:
        """What must be in memory at its end, in the order of the C form."""
        checks = [one for one in self.trace.commands if isinstance(one, CheckFile)]
        regions = [
            Region(one.file, one.base, bytes(read_dat_image(self.trace.folder / one.file, one.size).data))
            for one in checks
        ]
        return tuple(
            one for at, one in enumerate(regions) if not any(one.overlaps(later) for later in regions[at + 1 :])
        )

    @property
    def output_bytes(self) -> int:
        """Bytes of all outputs."""
        return sum(len(output.data) for output in self.outputs)


@dataclass(frozen=True)
class ProbeFolder:
    """A folder with probes, in the order in which they run."""

    path: Path
    probes: tuple[StoredProbe, ...]


def is_probe_folder(path: Path) -> bool:
    """Whether a path is a folder that :func:`write_traces` wrote."""
    return (path / INDEX).is_file()


def write_traces(probes: Iterable[Probe], room: Room, folder: Path) -> Iterator[Path]:
    """Write each probe as a trace into a folder of its name, and the index; every file, the index last."""
    listed = []
    for probe in probes:
        yield from write_as_trace(probe, folder / probe.name)
        listed.append({"name": probe.name, "unit": probe.unit.name.lower(), "shows": probe.shows})
    index = folder / INDEX
    head = {"format": FORMAT, "base": room.base, "size_bytes": room.size_bytes}
    with writing(index):
        index.write_text(json.dumps({**head, "probes": listed}, indent=1) + "\n")
    yield index


def read_probe_folder(path: Path) -> ProbeFolder:
    """Read a folder's index; BenchError with the file and what is wrong in it. Traces are read when they are needed."""
    index = path / INDEX
    data: Any = read_json(index, "an index of probes")
    with located(str(index)):
        if not isinstance(data, dict) or data.get("format") != FORMAT or not isinstance(data.get("probes"), list):
            raise BenchError(f"is no index of probes ({FORMAT!r})")
        return ProbeFolder(path, tuple(_stored(path, entry) for entry in data["probes"]))


def _stored(path: Path, entry: Any) -> StoredProbe:
    fields = [entry.get(name) if isinstance(entry, dict) else None for name in ("name", "unit", "shows")]
    name, unit, shows = (field if isinstance(field, str) else "" for field in fields)
    if not name or name != Path(name).name or unit.upper() not in Unit.__members__:
        raise BenchError(f"probe {fields[0]!r} of unit {fields[1]!r}: no name of a probe and its unit")
    return StoredProbe(name, Unit[unit.upper()], shows, path / name)
