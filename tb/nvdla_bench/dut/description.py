"""Descriptions of devices under test: small TOML files that say which Verilog to compile and what it is.

Any Verilog whose top has the ports of nv_small can be described; ``duts/nvdla_core.toml`` describes the
project's own.
"""

import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field

from nvdla_bench.dut.file_list import FileList, expand_variables, read_file_list
from nvdla_bench.dut.tie_offs import check_tie_offs
from nvdla_bench.simulator import UNTRIED
from nvdla_int8.beats.stage_beats import RECORDED_STAGES
from nvdla_int8.build import Build, find_build
from nvdla_int8.errors import BenchError, file_trouble, located
from nvdla_int8.parameters import Parameters

Identifier = Annotated[str, Field(pattern=r"^[A-Za-z_]\w*$")]
HierarchicalName = Annotated[str, Field(pattern=r"^[A-Za-z_][\w.\[\]]*$")]
Warning_ = Annotated[str, Field(pattern=r"^[A-Za-z0-9_]+$")]


class StageTap(Parameters):
    """Where a stage of the pipeline can be watched: names of nets below the top."""

    valid: HierarchicalName
    ready: HierarchicalName
    data: HierarchicalName


class StreamNets(Parameters):
    """A valid/ready stream inside: names of nets below the top, all of one module."""

    valid: HierarchicalName
    ready: HierarchicalName
    payload: Annotated[tuple[HierarchicalName, ...], Field(min_length=1)]


class DutDescription(Parameters):
    """The entries of a description.

    Attributes
    ----------
    name
        What reports call the device.
    top
        Its top module, whatever its file lists say: that of a wrapper, for example.
    file_lists, sources, include_dirs
        Files and folders, relative to the description's folder, then to ``root``.
    root
        A further folder for relative paths, in file lists too; may name environment variables.
    defines
        Macros.
    parameters
        Parameters of the top module.
    tie_offs
        Inputs of the top that are constant, with their values; see :data:`nvdla_bench.dut.tie_offs.DEFAULTS`.
    waivers
        Warnings of Verilator that do not matter; warnings never end a build in any case.
    verilator_args, icarus_args, simulator_args
        Options, as they are; of a further simulator by its name.
    build
        The build's name, see :func:`nvdla_int8.build.find_build`.
    random_state
        Begin with random bits in every register and memory (Verilator): for devices whose reset is to be tried.
    compare_state
        Compare all registers with the golden device's at the end of each trace.
    stages
        What may be observed inside.
    streams
        What is checked inside: a stalled beat must neither go away nor change. The stages are, too.
    """

    name: Annotated[str, Field(min_length=1)]
    top: Identifier
    file_lists: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()
    include_dirs: tuple[str, ...] = ()
    root: str = ""
    defines: Mapping[Identifier, str | int] = {}
    parameters: Mapping[Identifier, int] = {}
    tie_offs: Mapping[Identifier, Annotated[int, Field(ge=0)]] = {}
    waivers: tuple[Warning_, ...] = ()
    verilator_args: tuple[str, ...] = ()
    icarus_args: tuple[str, ...] = ()
    simulator_args: Mapping[str, tuple[str, ...]] = {}
    build: str = "nv_small"
    random_state: bool = False
    compare_state: bool = False
    stages: Mapping[Identifier, StageTap] = {}
    streams: Mapping[Identifier, StreamNets] = {}

    @property
    def keeps_delays(self) -> bool:
        """Verilator is told to keep delays, which costs speed."""
        return "--timing" in self.verilator_args

    @property
    def checked_streams(self) -> dict[str, StreamNets]:
        """All streams inside, as reports call them."""
        stages = {
            name: StreamNets(valid=tap.valid, ready=tap.ready, payload=(tap.data,)) for name, tap in self.stages.items()
        }
        return {f"stream.{name}": nets for name, nets in {**stages, **self.streams}.items()}


class Dut:
    """A description with its files found.

    Attributes
    ----------
    path
        The description.
    description
        Its entries.
    files
        Everything that it and its file lists name.
    build
        The build that it is.
    """

    def __init__(self, path: Path, description: DutDescription) -> None:
        self.path = path
        self.description = description
        folder = path.resolve().parent
        folders = [folder]
        with _entry("root"):
            if description.root:
                folders.append(_folder(expand_variables(description.root), [folder]))
        with _entry("build"):
            self.build: Build = find_build(description.build)
        files = FileList()
        for name in description.file_lists:
            with _entry("file_lists"):
                read_file_list(_file(expand_variables(name), folders), folders, files)
        with _entry("sources"):
            files.sources += [_file(expand_variables(name), folders) for name in description.sources]
        with _entry("include_dirs"):
            files.include_folders += [_folder(expand_variables(name), folders) for name in description.include_dirs]
        with _entry("stages"):
            for name in description.stages:
                if name not in RECORDED_STAGES:
                    raise BenchError(f"{name} is no stage; there are {', '.join(RECORDED_STAGES)}")
        with _entry("simulator_args"):
            for name in description.simulator_args:
                if name not in UNTRIED:
                    raise BenchError(f"{name} is no further simulator; there are {', '.join(UNTRIED)}")
        with _entry("tie_offs"):
            check_tie_offs(description.tie_offs)
        if not files.sources and not files.library_files:
            raise BenchError("file_lists and sources name no file")
        for name, value in description.defines.items():
            files.defines[name] = str(value)
        self.files = files

    @property
    def file_name(self) -> str:
        """The device's name as a part of file names."""
        return re.sub(r"[^\w.+-]+", "_", self.description.name)

    @property
    def module(self) -> str:
        """The top module with its parameters, as an instance needs them."""
        parameters = ", ".join(f".{name}({value})" for name, value in self.description.parameters.items())
        return f"{self.description.top} #({parameters})" if parameters else self.description.top


def load_dut(path: Path) -> Dut:
    """Read a description.

    Raises
    ------
    BenchError
        One line that names the file and the entry that is wrong.
    """
    try:
        text = path.read_bytes().decode()
    except OSError as error:
        raise BenchError(f"{path}: {file_trouble(error)}") from None
    except UnicodeDecodeError:
        raise BenchError(f"{path}: is not UTF-8 text") from None
    with located(str(path)):
        return Dut(path, _parse(text))


def _parse(text: str) -> DutDescription:
    try:
        entries: dict[str, Any] = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise BenchError(f"not TOML: {' '.join(str(error).split())}") from None
    unknown = sorted(entries.keys() - DutDescription.model_fields.keys())
    if unknown:
        raise BenchError(f"{unknown[0]} is no entry; there are {', '.join(DutDescription.model_fields)}")
    return DutDescription(**entries)


def _entry(name: str) -> Any:
    return located(name)


def _file(name: str, folders: list[Path]) -> Path:
    return _find(name, folders, "file")


def _folder(name: str, folders: list[Path]) -> Path:
    return _find(name, folders, "folder")


def _find(name: str, folders: list[Path], what: str) -> Path:
    for folder in folders:
        candidate = folder / name
        if candidate.is_file() if what == "file" else candidate.is_dir():
            return candidate.resolve()
    raise BenchError(f"there is no {what} {name} in {', '.join(map(str, folders))}")
