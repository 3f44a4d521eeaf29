"""Probes of the CBUF: banks, many entries, what stays for the next pass."""

from collections.abc import Iterator

from nvdla_int8.compiler.passes import Pass
from nvdla_int8.probe.build import layer_probe
from nvdla_int8.probe.layers import Banks, Layer, convolution, convolution_passes
from nvdla_int8.probe.patterns import counter, identity_weights, numbered_weights, one_hot
from nvdla_int8.probe.probe import Probe
from nvdla_int8.probe.space import Room
from nvdla_int8.probe.unit import Unit
from nvdla_int8.stages.convolution import ConvGeometry
from nvdla_int8.stages.layer_program import LayerProgram

LONG = 64
"""Channels of kernels 192 of which take three banks."""


def cbuf_probes(room: Room) -> Iterator[Probe]:
    """The probes, in order; those that take other banks come last, for other banks empty the CBUF."""

    def probe(name: str, shows: str, *layers: Layer) -> Probe:
        return layer_probe(room, Unit.CBUF, f"cbuf_{name}", shows, layers)

    yield probe("input", "an input of three banks", convolution(
        counter(8, 32, 48),
        LayerProgram(name="large", weights=identity_weights(8), geometry=ConvGeometry(stride_y=5, stride_x=5)),
    ))  # fmt: skip
    yield probe("weights", "weights of three banks", convolution(
        one_hot(LONG)[:, :, ::5], LayerProgram(name="weights", weights=numbered_weights(192, LONG, 1, 1))
    ))  # fmt: skip
    yield probe("kept_rows", "the second pass takes the rows that the first has left", _kept(kept_rows=True))
    yield probe("kept_weights", "the second pass takes the weights that the first has left", _kept(kept_rows=False))
    yield probe("banks", "other shares of data and weights", *(
        convolution(one_hot(24), LayerProgram(name="banks", weights=numbered_weights(16, 24, 1, 1)), banks=banks)
        for banks in (Banks(1, 31), Banks(31, 1), Banks(5, 27), Banks(28, 4))
    ))  # fmt: skip


def _kept(*, kept_rows: bool) -> Layer:
    """Two passes over the same rows with other kernels, or over other rows with the same kernels."""
    data = counter(8, 6, 5)
    if kept_rows:
        program = LayerProgram(name="kept", weights=numbered_weights(16, 8, 1, 1))
        parts = (
            Pass(0, 8, 0, 6, 0, 6, 0, 16, 16, keeps_weights=True, left_rows=6),
            Pass(8, 8, 0, 6, 0, 6, 0, 16, 16, keeps_weights=True, kept_rows=6),
        )
    else:
        program = LayerProgram(name="kept", weights=identity_weights(8))
        parts = (
            Pass(0, 8, 0, 3, 0, 3, 0, 16, 16, keeps_weights=True),
            Pass(0, 8, 3, 3, 3, 3, 0, 16, 16, keeps_weights=True, reuses_weights=True),
        )
    return convolution_passes(data, program, parts)
