"""Which build of the hardware a loadable was compiled for: nothing says so (loadables.md section 1)."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from nvdla_int8.build import NV_SMALL, Build, find_build
from nvdla_int8.loadable.container import TensorDescriptor
from nvdla_int8.loadable.descriptors import (
    CdpOperation,
    ConvolutionOperation,
    DataCube,
    PdpOperation,
    SdpOperation,
)
from nvdla_int8.loadable.tasks import HardwareOperation, HardwareTask
from nvdla_int8.loadable.used_cubes import used_cubes

FEATURE_X8 = 37
"""``pixel_format`` of a tensor in atoms of 8."""

HALF = 2
"""Precision and data type of FP16."""

LARGE = find_build("nv_large")


@dataclass(frozen=True)
class RecognisedBuild:
    """What a file tells of the build that it is for.

    Attributes
    ----------
    names
        The builds that it may be for; empty when nothing tells.
    build
        Their sizes; nv_small's when nothing tells.
    evidence
        Why, in words.
    """

    names: tuple[str, ...]
    build: Build
    evidence: str


def recognise_build(tensors: Iterable[TensorDescriptor], tasks: Iterable[HardwareTask]) -> RecognisedBuild:
    """Tell the build by the atoms of tensors and cubes, and by FP16, which only nv_full has."""
    tasks = tuple(tasks)
    halves = [operation.name for task in tasks for operation in task.operations if _is_half(operation)]
    if halves:
        return RecognisedBuild(("nv_full",), LARGE, f"{halves[0]} computes in FP16, which only nv_full has")
    for tensor in tensors:
        if tensor.data_type == HALF:
            words = f"tensor {tensor.name!r} holds FP16, which only nv_full has"
            return RecognisedBuild(("nv_full",), LARGE, words)
        if tensor.pixel_format == FEATURE_X8:
            words = f"tensor {tensor.name!r} has pixel_format {FEATURE_X8}, atoms of {NV_SMALL.memory_atom} channels"
            return RecognisedBuild((NV_SMALL.name,), NV_SMALL, words)
    for task in tasks:
        for name, cube in _feature_cubes(task):
            for names, build in (((NV_SMALL.name,), NV_SMALL), ((LARGE.name, "nv_full"), LARGE)):
                if cube.line_stride == cube.width * build.memory_atom:
                    words = (
                        f"{name}: a line of {cube.width} pixels takes {cube.line_stride} bytes, "
                        f"atoms of {build.memory_atom} channels"
                    )
                    return RecognisedBuild(names, build, words)
    return RecognisedBuild((), NV_SMALL, "no tensor and no cube tells the size of an atom")


def _is_half(operation: HardwareOperation) -> bool:
    match operation.operation:
        case ConvolutionOperation() as convolution:
            return HALF in (convolution.in_precision, convolution.out_precision)
        case SdpOperation() as sdp:
            return HALF in (sdp.src_precision, sdp.dst_precision)
        case PdpOperation() as pdp:
            return pdp.precision == HALF
        case CdpOperation() as cdp:
            return HALF in (cdp.in_precision, cdp.out_precision)
    return False


def _feature_cubes(task: HardwareTask) -> Iterator[tuple[str, DataCube]]:
    """The feature cubes in memory: the line of a cube of one line has a stride too."""
    for operation in task.operations:
        for used in used_cubes(operation):
            if used.is_feature and not used.cube.flying and used.cube.width:
                yield operation.name, used.cube
