"""Which block a device that hangs waits in, and for what: from its streams inside, or from its blocks' states.

A description that names streams as :data:`STREAMS` does gets the first answer: the streams' beats and handshakes
are followed from the output upwards to the block that has what it needs and hands on nothing.
"""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from nvdla_int8.beats.stage_beats import RECORDED_STAGES, stage_beats
from nvdla_int8.build import Build
from nvdla_int8.device.blocks import RUNNING
from nvdla_int8.device.interrupts import INTERRUPT_BITS
from nvdla_int8.device.layer_run import LayerRun
from nvdla_int8.device.sdp_layer import SdpLayer
from nvdla_int8.registers.register_map import LAYER_BLOCKS, unpack
from nvdla_int8.surfaces.cbuf_entries import weight_entries


@dataclass(frozen=True)
class Path:
    """A stream on the data's path: from which block to which, and what a beat is."""

    producer: str
    consumer: str
    what: str


X1, X2, CONVERTER, WRITER = "SDP's X1", "SDP's X2", "SDP's output converter", "SDP's write DMA"
HORIZONTAL, VERTICAL = "PDP's horizontal pooling", "PDP's vertical pooling"
AVERAGE, POOLED = "PDP's average", "PDP's write DMA"
SUMMATION, LOOKUP, MULTIPLIER = "CDP's summation", "CDP's look-up", "CDP's multiplier"
LRN_CONVERTER, NORMALISED = "CDP's output converter", "CDP's write DMA"
MEMORY = "the memory interface"

STREAMS = {
    "converted": Path("CDMA", "CSC", "entries of data"),
    "weight_entries": Path("CDMA", "CSC", "entries of weights"),
    "data": Path("CSC", "CMAC", "atoms of data"),
    "weights": Path("CSC", "CMAC", "beats of weights"),
    "sums": Path("CMAC", "CACC", "partial sums"),
    "accumulators": Path("CACC", X1, "accumulators"),
    "source": Path("SDP_RDMA", X1, "elements"),
    "x1_operands": Path("SDP_RDMA", X1, "operands"),
    "x1": Path(X1, X2, "elements"),
    "x2_operands": Path("SDP_RDMA", X2, "operands"),
    "x2": Path(X2, CONVERTER, "elements"),
    "output": Path(CONVERTER, WRITER, "elements"),
    "writes": Path(WRITER, MEMORY, "writes"),
    "sdp_to_pooling": Path(WRITER, HORIZONTAL, "elements"),
    "pooling_source": Path("PDP_RDMA", HORIZONTAL, "elements"),
    "horizontal": Path(HORIZONTAL, VERTICAL, "pooled rows"),
    "vertical": Path(VERTICAL, AVERAGE, "pooled windows"),
    "pooled": Path(AVERAGE, POOLED, "elements"),
    "pooling_writes": Path(POOLED, MEMORY, "writes"),
    "lrn_source": Path("CDP_RDMA", SUMMATION, "elements"),
    "square_sums": Path(SUMMATION, LOOKUP, "sums of squares"),
    "le": Path(LOOKUP, MULTIPLIER, "values of LE"),
    "lo": Path(LOOKUP, MULTIPLIER, "values of LO"),
    "multiplied": Path(MULTIPLIER, LRN_CONVERTER, "products"),
    "normalised": Path(LRN_CONVERTER, NORMALISED, "elements"),
    "lrn_writes": Path(NORMALISED, MEMORY, "writes"),
}
"""The streams whose names say what they carry, in the order of the data's path."""

CONVOLUTION_STREAMS = ("converted", "weight_entries", "data", "weights", "sums", "accumulators")
"""Those of a convolution."""

KNOWN = (*RECORDED_STAGES, "weight_entries", "sdp_to_pooling", "writes", "pooling_writes", "lrn_writes")
"""Those of which the golden device knows how many beats a layer has."""

ROOM_ERRATA = {
    "E7": "with its clocks gated CDMA misses released weights (tie_offs: global_clk_ovr_on = 1)",
    "E10": "CDMA's count of weights is not cleared by a change of banks",
}
"""Errata after which CDMA waits for ever for room for its weights."""


LOADED = {"DAT": "data", "WT": "weights"}
"""What CDMA's two interrupts tell of."""


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


WRITES_OF = {"SDP": ("output", "writes"), "PDP": ("pooled", "pooling_writes"), "CDP": ("normalised", "lrn_writes")}
"""The last stage and the writes of the block that writes a layer's output; a beat of both is a memory atom."""


def beats_until(layers: Collection[LayerRun], build: Build) -> dict[str, int]:
    """Beats of the streams that the golden device knows, of all these layers together."""
    beats: Counter[str] = Counter(dict.fromkeys(KNOWN, 0))
    for run in layers:
        of_layer = {name: len(stage.values) for name, stage in stage_beats(run, build).items()}
        last, writes = WRITES_OF[run.writer]
        of_layer[writes] = of_layer[last]
        if run.sdp is not None and run.pooling is not None:
            of_layer["sdp_to_pooling"] = of_layer["output"]
        if run.convolution is not None and run.convolution.fetch.weights:
            loaded = bytes(run.registers.word("CDMA.D_WEIGHT_BYTES"))
            of_layer["weight_entries"] = len(weight_entries(loaded, build.atomic_c).values)
        beats.update(of_layer)
    return beats


def used_streams(run: LayerRun, build: Build) -> list[str]:
    """The streams of :data:`STREAMS` that have beats in a layer."""
    used: set[str] = set(stage_beats(run, build)) | {WRITES_OF[run.writer][1]}
    if run.convolution is not None:
        fetch = run.convolution.fetch
        kept = {name for name, loads in (("converted", fetch.data), ("weight_entries", fetch.weights)) if not loads}
        used = used.union(CONVOLUTION_STREAMS) - kept
    if run.sdp is not None:
        sdp = SdpLayer(run.registers, build)
        used |= {f"{name}_operands" for name, stage in sdp.stages.items() if stage.reads_alu or stage.reads_mul}
        used |= set() if sdp.flying else {"source"}
    if run.pooling is not None:
        used.add("sdp_to_pooling" if run.sdp is not None else "pooling_source")
    if run.lrn is not None:
        used.add("lrn_source")
    return [name for name in STREAMS if name in used]


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


def awaited(states: Mapping[str, StreamState], layers: Sequence[LayerRun], build: Build) -> dict[str, str]:
    """What blocks of the layer that hangs wait for because nobody gives it, by block; parameters as :func:`blocked`."""
    expected = beats_until(layers, build)
    waits: dict[str, str] = {}
    for name in used_streams(layers[-1], build):
        state, path = states.get(name), STREAMS[name]
        if state is None or state.valid or state.beats >= expected.get(name, state.beats + 1):
            continue
        waits.setdefault(path.consumer.partition("'")[0], path.what)
    return waits


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


class HangingLayer:
    """A layer whose interrupt does not come, with the registers that were read when the wait was given up.

    Parameters
    ----------
    layers
        What the golden device ran up to this layer, which is the last of them.
    registers
        S_STATUS of every block and GLB.S_INTR_STATUS by name; None where bits were unknown.
    came
        Names of the interrupts that came since the layer was started and were cleared.
    build
        The device's build.
    """

    def __init__(
        self, layers: Sequence[LayerRun], registers: Mapping[str, int | None], came: Collection[str], build: Build
    ) -> None:
        self._layers = layers
        self._registers = registers
        self._came = came
        self._build = build

    def why(self, states: Mapping[str, StreamState]) -> list[str]:
        """The erratum behind it, if one was foreseen, then the block that waits; as much as can be told."""
        block = blocked(states, self._layers, self._build) if states else self._first_unended()
        return [part for part in (self._room_erratum(), block) if part]

    def _first_unended(self) -> str | None:
        """The first block of the layer that is still running, and what CDMA has not loaded."""
        first = next((block for block in LAYER_BLOCKS if self._runs(block)), None)
        if first == "CDMA" and (lacking := [what for what in ("DAT", "WT") if not self._raised(f"CDMA_{what}")]):
            return f"CDMA has not loaded all {' and '.join(LOADED[what] for what in lacking)}"
        return f"{first} is the first block that has not ended" if first else None

    def _room_erratum(self) -> str | None:
        rules = {finding.rule for finding in self._layers[-1].diagnostics}
        if not self._runs("CDMA") or self._raised("CDMA_WT"):
            return None
        return next((f"{name}: {why}" for name, why in ROOM_ERRATA.items() if name in rules), None)

    def _runs(self, block: str) -> bool:
        """Whether a block is at this layer."""
        status = self._registers.get(f"{block}.S_STATUS")
        if status is None or not _uses(self._layers[-1], block):
            return False
        return unpack(f"{block}.S_STATUS", status, f"STATUS_{self._group(block)}") == RUNNING

    def _raised(self, kind: str) -> bool:
        """Whether the layer's interrupt of a kind such as ``CDMA_WT`` came."""
        name = f"{kind}_{self._group('CDMA')}"
        status = self._registers.get("GLB.S_INTR_STATUS") or 0
        return name in self._came or bool(status >> INTERRUPT_BITS[name] & 1)

    def _group(self, block: str) -> int:
        """The layer's group in a block: its layers take turns."""
        return sum(_uses(run, block) for run in self._layers[:-1]) % 2


def _uses(run: LayerRun, block: str) -> bool:
    return any(name.startswith(f"{block}.") for name in run.registers.values)
