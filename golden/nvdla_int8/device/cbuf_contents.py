"""What lies in the CBUF between convolutions, and what each fetches therefore (reuse.md section 1)."""

from dataclasses import dataclass, field

from nvdla_int8.build import Build
from nvdla_int8.device.blocks import LayerRegisters
from nvdla_int8.device.convolution_layer import ConvolutionLayer, Fetch, Loaded
from nvdla_int8.device.data_ring import DataRing, FoundRows
from nvdla_int8.device.points import UNCHANGED, Points
from nvdla_int8.device.weight_ring import KeptWeights, WeightRing
from nvdla_int8.surfaces.memory import Memory


@dataclass(frozen=True)
class FoundInCbuf:
    """What a convolution finds in the CBUF.

    Attributes
    ----------
    rows
        In the data ring.
    weights
        The weight ring.
    misreleased
        Weights of the layer before that it frees by the wrong count; None when all is well.
    first
        It is the first convolution since reset.
    """

    rows: FoundRows
    weights: WeightRing
    misreleased: KeptWeights | None
    first: bool

    @property
    def fetch(self) -> Fetch:
        """What CDMA fetches."""
        kept_rows = self.rows.kept if self.rows.reused else 0
        return Fetch(self.rows.fetches, self.weights.kept is None, kept_rows)

    def load(self, layer: ConvolutionLayer, memory: Memory, points: Points = UNCHANGED) -> Loaded:
        """Fetch what has to be fetched, behind what is kept."""
        kept = self.weights.kept
        stream = kept.stream if kept else b""
        return layer.load(memory, self.fetch, kept_rows=self.rows.rows, kept_weights=stream, points=points)


@dataclass(frozen=True)
class CbufContents:
    """The two rings between convolutions."""

    data: DataRing = field(default_factory=DataRing)
    weights: WeightRing = field(default_factory=WeightRing)

    def found_by(self, registers: LayerRegisters) -> FoundInCbuf:
        """What the next convolution finds."""
        return FoundInCbuf(
            self.data.found_by(registers),
            self.weights.found_by(registers),
            self.weights.misreleased(registers),
            self.weights.banks is None,
        )

    def after(self, registers: LayerRegisters, build: Build, loaded: Loaded) -> "CbufContents":
        """What it leaves."""
        layer = registers.decoded(ConvolutionLayer, build)
        return CbufContents(
            self.data.after(layer, registers, loaded.rows),
            self.weights.after(registers, build, loaded.weights),
        )
