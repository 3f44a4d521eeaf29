__all__: list[str]

from .build import Build as Build
from .build import find_build as find_build
from .calibration.formats import read_table as read_table
from .calibration.table import CalibrationTable as CalibrationTable
from .compiler.program_writer import write_program as write_program
from .compiler.register_program import RegisterProgram as RegisterProgram
from .device.device import Device as Device
from .device.diagnostics import Diagnostic as Diagnostic
from .device.diagnostics import IllegalProgramError as IllegalProgramError
from .errors import BenchError as BenchError
from .loadable.loadable import Loadable as Loadable
from .loadable.loadable import read_loadable as read_loadable
from .network.network import Network as Network
from .runtime.loadable_run import LoadableRun as LoadableRun
from .runtime.loadable_run import run_loadable as run_loadable
from .stages.layer_program import LayerProgram as LayerProgram
from .stages.layer_program import LayerStages as LayerStages
from .stages.lrn_program import LrnProgram as LrnProgram
from .stages.pooling_program import PoolingProgram as PoolingProgram
from .stages.tensor_scale import TensorScale as TensorScale
from .surfaces.memory import Memory as Memory
from .trace.replay import find_traces as find_traces
from .trace.replay import replay as replay
from .trace.result import TraceResult as TraceResult
from .trace.result import Verdict as Verdict
