"""Which block a device that hangs waits in, and for what: from its streams inside, or from its blocks' states.

A description that names streams as :data:`STREAMS` does gets the first answer: the streams' beats and handshakes
are followed from the output upwards to the block that has what it needs and hands on nothing.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from nvdla_int8.beats.cbuf_entries import weight_entries
from nvdla_int8.beats.stage_beats import stage_beats
from nvdla_int8.build import Build
from nvdla_int8.device.device import CONVOLUTION_BLOCKS, LayerRun
from nvdla_int8.device.sdp_layer import SdpLayer


@dataclass(frozen=True)
class Path:
    """A stream on the data's path: from which block to which, and what a beat is."""

    producer: str
    consumer: str
    what: str


X1, X2, CONVERTER, WRITER = "SDP's X1", "SDP's X2", "SDP's output converter", "SDP's write DMA"

STREAMS = {
    "converted": Path("CDMA", "CSC", "entries of data"),
    "weight_entries": Path("CDMA", "CSC", "entries of weights"),
    "data": Path("CSC", "CMAC", "atoms of data"),
    "weights": Path("CSC", "CMAC", "atoms of weights"),
    "sums": Path("CMAC", "CACC", "partial sums"),
    "accumulators": Path("CACC", X1, "accumulators"),
    "source": Path("SDP_RDMA", X1, "elements"),
    "x1_operands": Path("SDP_RDMA", X1, "operands"),
    "x1": Path(X1, X2, "elements"),
    "x2_operands": Path("SDP_RDMA", X2, "operands"),
    "x2": Path(X2, CONVERTER, "elements"),
    "output": Path(CONVERTER, WRITER, "elements"),
    "writes": Path(WRITER, "the memory interface", "writes"),
}
"""The streams whose names say what they carry, in the order of the data's path."""

ROOM_ERRATA = {
    "E7": "with its clocks gated CDMA misses released weights (tie_offs: global_clk_ovr_on = 1)",
    "E10": "CDMA's count of weights is not cleared by a change of banks",
}
"""Errata after which CDMA waits for ever for room for its weights."""


@dataclass(frozen=True)
class StreamState:
    """What had passed of a stream since the program began, and its handshake, when the wait was given up."""

    beats: int
    valid: bool
    ready: bool

    @property
    def stalled(self) -> bool:
        """A beat waits to be taken."""
        return self.valid and not self.ready


def beats_until(layers: Collection[LayerRun], build: Build) -> dict[str, int]:
    """Beats of the streams that the golden device knows, of all these layers together."""
    beats = dict.fromkeys(("converted", "weight_entries", "accumulators", "x1", "x2", "output", "writes"), 0)
    for run in layers:
        for name, stage in stage_beats(run, build).items():
            beats[name] += len(stage.values)
        beats["writes"] = beats["output"]  # memory atoms, both
        if run.convolution is not None:
            loaded = bytes(run.registers.word("CDMA.D_WEIGHT_BYTES"))
            beats["weight_entries"] += len(weight_entries(loaded, build.atomic_c).values)
    return beats


def used_streams(run: LayerRun, build: Build) -> list[str]:
    """The streams of :data:`STREAMS` that have beats in a layer."""
    sdp = SdpLayer(run.registers, build)
    unused = {"source"} if sdp.flying else {name for name in STREAMS if STREAMS[name].producer in CONVOLUTION_BLOCKS}
    unused |= {f"{name}_operands" for name, stage in sdp.stages.items() if not (stage.reads_alu or stage.reads_mul)}
    return [name for name in STREAMS if name not in unused]


def blocked(states: Mapping[str, StreamState], layers: Sequence[LayerRun], build: Build) -> str | None:
    """The block that does not go on, and why; None when the streams do not tell.

    Parameters
    ----------
    states
        By name; names that are not in :data:`STREAMS` are not looked at.
    layers
        What the golden device ran up to the layer that hangs, which is the last of them.
    build
        The device's build.
    """
    known = {name: states[name] for name in used_streams(layers[-1], build) if name in states}
    return _Search(known, beats_until(layers, build)).run()


class _Search:
    def __init__(self, states: Mapping[str, StreamState], expected: Mapping[str, int]) -> None:
        self._states = states
        self._expected = expected
        self._seen: set[str] = set()

    def run(self) -> str | None:
        stalled = [name for name, state in self._states.items() if state.stalled]
        if stalled:
            return self._not_taken(stalled[-1])
        missing = [name for name in self._states if self._incomplete(name)]
        return self._not_given(missing[-1], "") if missing else None

    def _not_taken(self, name: str) -> str:
        """Why the consumer of a stalled stream does not take it."""
        path = STREAMS[name]
        text = f"{path.consumer} does not take {path.what} from {path.producer} after {self._passed(name)}"
        others = [other for other in self._inputs(path.consumer) if not self._states[other].valid]
        if not others or name in self._seen:
            return text
        self._seen.add(name)
        return f"{text}: {self._not_given(others[0], 'it')}"

    def _not_given(self, name: str, waits: str) -> str:
        """Why a stream has nothing to give to a block that waits."""
        path = STREAMS[name]
        inputs = self._inputs(path.producer)
        stalled = [other for other in inputs if self._states[other].stalled]
        missing = [other for other in inputs if self._incomplete(other) and not self._states[other].valid]
        if stalled and stalled[0] not in self._seen:
            return self._not_taken(stalled[0])
        if missing and missing[0] not in self._seen:
            self._seen.add(missing[0])
            return self._not_given(missing[0], path.producer)
        text = f"{path.producer} has handed on {self._passed(name)} {path.what} and stopped"
        return f"{waits} waits for {path.what}: {text}" if waits else text

    def _inputs(self, block: str) -> list[str]:
        return [name for name in self._states if STREAMS[name].consumer == block]

    def _incomplete(self, name: str) -> bool:
        """Less has passed than the layer has; where that is not known, anything may be missing."""
        expected = self._expected.get(name)
        return expected is None or self._states[name].beats < expected

    def _passed(self, name: str) -> str:
        expected = self._expected.get(name)
        return f"{self._states[name].beats:,}" + (f" of {expected:,}" if expected is not None else "")


def room_erratum(run: LayerRun) -> str:
    """The erratum that the golden device foresees for a layer whose weights do not get loaded; else empty."""
    rules = {finding.rule for finding in run.diagnostics}
    return next((f"{name}: {why}" for name, why in ROOM_ERRATA.items() if name in rules), "")
