"""When each layer of a run was started and ended, as software saw it, and which engine it kept busy."""

from collections.abc import Sequence
from dataclasses import dataclass

from nvdla_bench.player.target import RtlTarget
from nvdla_int8.device.layer_run import LayerRun

NEVER = 1 << 64


@dataclass(frozen=True)
class LayerSpan:
    """A layer from the register write that started it to its interrupt.

    Attributes
    ----------
    engine
        What runs: convolution, SDP from memory, PDP, CDP, or PDP behind one of the first two.
    writer, group
        The block that writes its output, and its register group.
    started, ended
        Cycles.
    """

    engine: str
    writer: str
    group: int
    started: int
    ended: int

    def at_work(self, cycle: int) -> bool:
        """Whether it had been started and had not ended just before a cycle."""
        return self.started < cycle <= self.ended


def layer_spans(target: RtlTarget) -> list[LayerSpan]:
    """All layers of a run that was judged."""
    return [
        LayerSpan(_engine(run), run.writer, run.group, layer.started, NEVER if layer.ended is None else layer.ended)
        for run, layer in zip(target.golden.layers, target.layers, strict=True)
    ]


def at_work(spans: Sequence[LayerSpan], cycle: int) -> list[LayerSpan]:
    """The layers that were at work or waited for their block just before a cycle, in order."""
    return [span for span in spans if span.at_work(cycle)]


def _engine(run: LayerRun) -> str:
    first = "convolution" if run.convolution is not None else "SDP" if run.sdp is not None else ""
    return f"{first} and PDP" if first and run.pooling is not None else first or run.writer
