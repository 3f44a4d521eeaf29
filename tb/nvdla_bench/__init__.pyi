__all__: list[str]

from .components.csb_driver import CsbDriver as CsbDriver
from .components.dbb_memory import DbbMemory as DbbMemory
from .components.golden_scoreboard import GoldenScoreboard as GoldenScoreboard
from .components.software import Software as Software
from .protocol.axi import AxiMonitor as AxiMonitor
from .protocol.csb import CsbMonitor as CsbMonitor
from .protocol.csb import CsbWrite as CsbWrite
