"""What ``check`` holds dumps against: the run that a trace, layer programs or a compiled network stand for."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from nvdla_int8.checkup.place_dump import load_memory
from nvdla_int8.checkup.subjects import (
    timeline_of_program,
    timeline_of_programs,
    timeline_of_register_log,
    timeline_of_trace_file,
)
from nvdla_int8.checkup.timeline import Timeline
from nvdla_int8.cli.image_options import ImageOptions
from nvdla_int8.cli.options import check_of_loadable
from nvdla_int8.cli.other_files import refuse_float_network
from nvdla_int8.cli.placing_options import check_placed_here
from nvdla_int8.driver.driver import Order
from nvdla_int8.errors import BenchError
from nvdla_int8.loadable.loadable import Loadable, is_loadable, read_loadable
from nvdla_int8.network.network import NETWORK_FILE
from nvdla_int8.register_log.log import is_register_log, open_register_log

PROGRAM_NAME = "program"
"""Of register programs that are only run, never written."""


@dataclass(frozen=True)
class Placing:
    """The options that decide what runs and where its tensors lie, those of the command ``write``."""

    number: int | None
    pixel_format: str | None
    base: int
    build: str
    keep_layers: bool
    work_order: str | None
    handled: ImageOptions


def open_subject(path: Path, images_path: Path | None, placing: Placing, loaded: Sequence[str] = ()) -> Timeline:
    """Run what a board has run.

    Parameters
    ----------
    path
        A trace's ``.cfg`` or folder, a register log, a network's folder, a layer program, a compiled network.
    images_path
        The input of the last three.
    placing
        How the program was written.
    loaded
        What memory held when a register log began, each ``FILE@ADDRESS``.

    Raises
    ------
    BenchError
        One line that names the file, the layer and the value.
    """
    if is_loadable(path):
        if loaded:
            raise BenchError(f"--load {loaded[0]}: goes with a register log, {path} is none")
        return _of_loadable(path, images_path, placing)
    check_of_loadable("--work-order", placing.work_order, path)
    refuse_float_network(path, "program makes layer programs of it, which check takes")
    if not path.exists():
        raise BenchError(f"{path}: no such file or folder")
    if path.is_file() and not path.stat().st_size:
        raise BenchError(f"{path}: is empty")
    if is_register_log(path):
        if images_path is not None:
            raise BenchError(f"{images_path}: {path} is a register log, whose memory goes behind --load")
        log = open_register_log(path)
        own = [f"{log.trace.folder / file}@{address:#x}" for address, file in log.loads]
        writes = [write for argument in (*own, *loaded) for write in load_memory(argument)]
        return timeline_of_register_log(log, writes, build=placing.build)
    if loaded:
        raise BenchError(f"--load {loaded[0]}: goes with a register log, {path} is none")
    if path.suffix == ".json" or (path / NETWORK_FILE).is_file():
        return _of_layers(path, images_path, placing)
    if images_path is not None:
        raise BenchError(f"{images_path}: {path} is a trace, which holds its input")
    return timeline_of_trace_file(path, build=placing.build)


def _of_layers(path: Path, images_path: Path | None, placing: Placing) -> Timeline:
    from nvdla_int8.cli.register_programs import program_of_layers  # each imports what it needs only

    if images_path is None:
        raise BenchError(f"{path}: give the INPUT that the board ran it on")
    program = program_of_layers(
        PROGRAM_NAME, path, images_path, number=placing.number, pixel_format=placing.pixel_format, base=placing.base,
        build=placing.build, keep_layers=placing.keep_layers, handled=placing.handled,
    )  # fmt: skip
    return replace(timeline_of_program(program, [part.layer for part in program.passes]), name=str(path))


def _of_loadable(path: Path, images_path: Path | None, placing: Placing) -> Timeline:
    from nvdla_int8.cli.register_programs import programs_of_loadable

    check_placed_here(path, pixel_format=placing.pixel_format, keep_layers=placing.keep_layers, build=placing.build)
    loadable = read_loadable(path)
    programs, _ = programs_of_loadable(
        PROGRAM_NAME, loadable, images_path, number=placing.number, base=placing.base,
        order=Order(placing.work_order or Order.DRIVER.value), handled=placing.handled,
    )  # fmt: skip
    names = [[f"task{layer.task}." * (layer.task > 0) + layer.name for layer in program.layers] for program in programs]
    timeline = timeline_of_programs(str(path), programs, names)
    return replace(timeline, picture=_picture(loadable, images_path, placing))


def _picture(loadable: Loadable, images_path: Path | None, placing: Placing) -> NDArray[np.uint8] | None:
    """The image whose pixels the runtime has halved; None where it was given a tensor, or a batch."""
    from nvdla_int8.runtime.input_images import bound_inputs, open_inputs

    images = open_inputs(loadable, images_path, resize=placing.handled.resize, convert=placing.handled.convert).images
    if images is None or any(bound.images > 1 for bound in bound_inputs(loadable)):
        return None
    image = images.one(placing.number or 0)
    return image.view(np.uint8) if image.dtype == np.uint8 else None
