"""Which layers of a float network a compiled network's layers do, and what scales a table gives them."""

from dataclasses import dataclass

from nvdla_int8.calibration.table import CalibrationTable
from nvdla_int8.network.float_network import FloatNetwork


@dataclass(frozen=True)
class NetworkMatch:
    """A network beside its compiled form; ``table`` is None when none was given."""

    network: FloatNetwork
    table: CalibrationTable | None
