"""How exact a layer's program is, whatever its kind."""

from dataclasses import dataclass

from nvdla_int8.quantise.lrn_table import LrnReport
from nvdla_int8.quantise.pooling import PoolingReport
from nvdla_int8.quantise.requantise_report import RequantiseReport


@dataclass(frozen=True)
class ConcatReport:
    """A concatenation moves bytes and changes none."""

    layer: str
    bound_lsb: float = 0.0


@dataclass(frozen=True)
class HostReport:
    """A host operation computes in float: there is nothing to bound."""

    layer: str
    operator: str


AnyReport = RequantiseReport | PoolingReport | LrnReport | ConcatReport | HostReport
