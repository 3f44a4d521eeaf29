"""Bit-exact NumPy model of NVDLA's INT8 path, and the tool that programs its converters.

The names below are the ones that other programs need; everything else is found by the word: ``stages`` is the
arithmetic, ``registers`` the register map, ``surfaces`` bytes in memory, ``trace`` NVIDIA's file format.
"""

from nvdla_int8.build import Build, find_build
from nvdla_int8.calibration.formats import read_table
from nvdla_int8.calibration.table import CalibrationTable
from nvdla_int8.compiler.register_program import RegisterProgram, write_program
from nvdla_int8.device.device import Device
from nvdla_int8.device.diagnostics import Diagnostic, IllegalProgramError
from nvdla_int8.errors import BenchError
from nvdla_int8.network.network import Network
from nvdla_int8.stages.layer_program import LayerProgram, LayerStages
from nvdla_int8.stages.tensor_scale import TensorScale
from nvdla_int8.surfaces.memory import Memory
from nvdla_int8.trace.replay import find_traces, replay
from nvdla_int8.trace.result import TraceResult, Verdict

__all__ = [
    "BenchError",
    "Build",
    "CalibrationTable",
    "Device",
    "Diagnostic",
    "IllegalProgramError",
    "LayerProgram",
    "LayerStages",
    "Memory",
    "Network",
    "RegisterProgram",
    "TensorScale",
    "TraceResult",
    "Verdict",
    "find_build",
    "find_traces",
    "read_table",
    "replay",
    "write_program",
]
