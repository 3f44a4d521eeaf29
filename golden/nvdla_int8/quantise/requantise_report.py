"""How exact a layer's integers are: what a program's report tells of each kernel."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from nvdla_int8.quantise.certificate import bound_lsb
from nvdla_int8.quantise.exact_layer import ExactLayer
from nvdla_int8.quantise.programmed import programmed_reals
from nvdla_int8.quantise.rounding import Reals
from nvdla_int8.stages.sdp import AluAlgo
from nvdla_int8.stages.sdp_tail import SdpTail


@dataclass(frozen=True)
class RequantiseReport:
    """How well a layer's integers stand for its real numbers; arrays are (K,), float64 unless said.

    Attributes
    ----------
    ratio
        The exact Si * Sw[k] / So.
    weight_scale
        Sw[k]; of a layer without weights, its factors.
    raised
        bool: the kernel is too small for the layer's integers, and its weight scale was raised
        (:mod:`nvdla_int8.quantise.dying_kernels`).
    programmed_ratio
        What the programmed integers stand for in place of ``ratio``.
    bias_error_lsb
        Error of bias and zero points in output steps.
    weight_error_lsb
        How far the result on the quantised weights may be from that on the real ones, in output steps:
        every weight's error, all of one sign, at the ends of the input's range.
    bound_lsb
        No output byte is further than this from the real result on the quantised inputs and
        weights, both clipped to int8 (:mod:`nvdla_int8.quantise.certificate`).
    misfit
        What is wrong between the layer and the table's range of its output, for a warning; None when they fit.
    """

    layer: str
    ratio: Reals
    weight_scale: Reals
    raised: NDArray[np.bool_]
    programmed_ratio: Reals
    bias_error_lsb: Reals
    weight_error_lsb: Reals
    bound_lsb: Reals
    misfit: str | None

    @property
    def relative_error(self) -> Reals:
        """(programmed factor - ratio) / ratio; 0 where the factor is 0."""
        error = np.zeros_like(self.ratio)
        return np.divide(self.programmed_ratio - self.ratio, self.ratio, out=error, where=self.ratio != 0)


def requantise_report(
    program: SdpTail,
    exact: ExactLayer,
    weight_scale: Reals,
    *,
    raised: NDArray[np.bool_],
    weight_error_lsb: Reals,
    misfit: str | None,
) -> RequantiseReport:
    """Certify a program.

    Raises
    ------
    BenchError
        As :func:`nvdla_int8.quantise.certificate.bound_lsb`.
    """
    factor, constant_lsb = programmed_reals(program)
    wanted_lsb = exact.bias_lsb + exact.zero_point
    if exact.addend is not None and exact.addend.operation is AluAlgo.SUM:
        wanted_lsb = wanted_lsb - exact.addend.ratio * exact.addend.zero_point
    return RequantiseReport(
        layer=program.name,
        ratio=exact.ratio,
        weight_scale=weight_scale,
        raised=raised,
        programmed_ratio=np.broadcast_to(factor, exact.ratio.shape).copy(),
        bias_error_lsb=np.abs(constant_lsb - wanted_lsb),
        weight_error_lsb=weight_error_lsb,
        bound_lsb=bound_lsb(program, exact),
        misfit=misfit,
    )
