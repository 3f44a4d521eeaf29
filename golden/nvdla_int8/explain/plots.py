"""Pictures of an explanation, as SVG: the bytes of an output, the curve of an LRN."""

from io import StringIO
from typing import TYPE_CHECKING

from nvdla_int8.errors import BenchError
from nvdla_int8.explain.lrn_curve import LrnCurve
from nvdla_int8.quantise.rounding import Q_MAX, Q_MIN

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

SIZE_INCHES = (6.4, 2.2)


def output_picture(counts: tuple[int, ...]) -> str:
    """How often each byte from -128 to 127 is in an output: SVG.

    Raises
    ------
    BenchError
        matplotlib is not installed.
    """
    figure, axes = _figure()
    axes.bar(range(Q_MIN, Q_MAX + 1), counts, width=1.0, color="tab:blue")
    axes.set_xlim(Q_MIN - 1, Q_MAX + 1)
    axes.set_xlabel("output byte")
    axes.set_ylabel("elements")
    return _svg(figure)


def curve_picture(curve: LrnCurve) -> str:
    """An LRN's curve over the sums that came, with what each table says alone: SVG; BenchError as above."""
    figure, axes = _figure()
    axes.plot(curve.sums, curve.le, color="tab:orange", linewidth=0.8, linestyle="--", label="LE")
    axes.plot(curve.sums, curve.lo, color="tab:green", linewidth=0.8, linestyle=":", label="LO")
    axes.plot(curve.sums, curve.factor, color="tab:blue", linewidth=1.4, label="taken")
    axes.set_xlabel("sum that is looked up")
    axes.set_ylabel("factor" if curve.multiplies else "value")
    axes.legend(fontsize="small")
    return _svg(figure)


def _figure() -> "tuple[Figure, Axes]":
    try:
        from matplotlib.figure import Figure
    except ImportError:
        raise BenchError("pictures are drawn with matplotlib: pip install 'nvdla-int8[plots]'") from None
    figure = Figure(figsize=SIZE_INCHES, layout="constrained")
    return figure, figure.subplots()


def _svg(figure: "Figure") -> str:
    """The picture alone, without XML's head, the same for the same data."""
    from matplotlib import rc_context

    text = StringIO()
    with rc_context({"svg.hashsalt": "nvdla", "svg.fonttype": "none"}):
        figure.savefig(text, format="svg", metadata={"Date": None})
    svg = text.getvalue()
    return svg[svg.index("<svg") :]
