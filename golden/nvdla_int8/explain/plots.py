"""Pictures of an explanation, as SVG: the bytes of an output, the curve of an LRN."""

from nvdla_int8.explain.lrn_curve import LrnCurve
from nvdla_int8.quantise.rounding import Q_MAX, Q_MIN
from nvdla_int8.report.pictures import COLOURS, LEGEND, as_svg, new_picture

HEIGHT_INCHES = 2.2


def output_picture(counts: tuple[int, ...]) -> str:
    """How often each byte from -128 to 127 is in an output: SVG.

    Raises
    ------
    BenchError
        matplotlib is not installed.
    """
    figure, axes = new_picture(HEIGHT_INCHES)
    axes.bar(range(Q_MIN, Q_MAX + 1), counts, width=1.0, color=COLOURS["blue"])
    axes.set_xlim(Q_MIN - 1, Q_MAX + 1)
    axes.set_xlabel("output byte")
    axes.set_ylabel("elements")
    return as_svg(figure)


def curve_picture(curve: LrnCurve) -> str:
    """An LRN's curve over the sums that came, with what each table says alone: SVG; BenchError as above."""
    figure, axes = new_picture(HEIGHT_INCHES)
    axes.plot(curve.sums, curve.le, color=COLOURS["orange"], linewidth=0.8, linestyle="--", label="LE")
    axes.plot(curve.sums, curve.lo, color=COLOURS["green"], linewidth=0.8, linestyle=":", label="LO")
    axes.plot(curve.sums, curve.factor, color=COLOURS["blue"], linewidth=1.4, label="taken")
    axes.set_xlabel("sum that is looked up")
    axes.set_ylabel("factor" if curve.multiplies else "value")
    axes.legend(**LEGEND)
    return as_svg(figure)
