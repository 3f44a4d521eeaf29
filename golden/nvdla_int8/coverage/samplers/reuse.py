"""What convolutions keep in the CBUF for one another: what reuse.md's tables tell apart (sections 1 and 3)."""

from collections.abc import Iterator, Sequence
from itertools import pairwise

from nvdla_int8.build import Build
from nvdla_int8.coverage.plan import Sample
from nvdla_int8.device.blocks import LayerRegisters
from nvdla_int8.device.convolution_layer import ConvolutionLayer, Fetch
from nvdla_int8.device.layer_run import LayerRun

SAMPLERS = ("kept", "behind")


class _Layer:
    """A convolution as far as reuse goes."""

    def __init__(self, registers: LayerRegisters, fetch: Fetch, build: Build) -> None:
        self.fetch, self.decoded, self.field = fetch, ConvolutionLayer(registers, build), registers.field
        self.data_bank, self.weight_bank = (registers.field(f"CSC.D_BANK.{which}_BANK") for which in ("DATA", "WEIGHT"))
        self.wants_rows, self.wants_weights = (self.bit("DATA_REUSE"), self.bit("WEIGHT_REUSE"))
        self.keeps_all_rows, self.keeps_weights = (self.bit("SKIP_DATA_RLS"), self.bit("SKIP_WEIGHT_RLS"))
        self.freed_rows = registers.size("CSC.D_RELEASE.RLS_SLICES")
        new = self.decoded.fetched_height if fetch.data else 0
        self.uses_fewer_rows = self.decoded.height < fetch.kept_rows + new
        self.keeps_some_rows = not self.keeps_all_rows and self.freed_rows < self.decoded.height

    def bit(self, name: str) -> bool:
        """A field of D_MISC_CFG in CSC."""
        return self.field(f"CSC.D_MISC_CFG.{name}") == 1


def reuse_samples(convolutions: Sequence[LayerRun], build: Build) -> Iterator[Sample]:
    """Of convolutions one after the other: each alone, and each behind the one before."""
    layers = [_Layer(run.registers, run.convolution.fetch, build) for run in convolutions if run.convolution]
    for layer in layers:
        yield Sample("kept", _alone(layer))
    for before, layer in pairwise(layers):
        yield Sample("behind", _after(before, layer))


def _alone(layer: _Layer) -> dict[str, bool]:
    """Corners of one layer: steps 4 to 8 of section 1."""
    rows, weights = layer.fetch.kept_rows > 0, not layer.fetch.weights
    kind = "image" if layer.decoded.pixel else "convolution"
    return {
        "all rows are there": not layer.fetch.data,
        "some rows are there": rows and layer.fetch.data,
        "one new row": rows and layer.fetch.data and layer.decoded.fetched_height == 1,
        "rows of an image are there": rows and kind == "image",
        "weights are there": weights,
        "weights of an image are there": weights and kind == "image",
        "nothing is fetched": weights and not layer.fetch.data,
        "rows go on": rows and (layer.keeps_all_rows or layer.keeps_some_rows),
        "weights go on": weights and layer.keeps_weights,
        "weights end with a release": weights and not layer.keeps_weights,
        "fewer rows than are there": layer.uses_fewer_rows,
        "RLS_SLICES of a layer that keeps all rows": layer.keeps_all_rows and layer.freed_rows != layer.decoded.height,
        "CDMA is not asked after a partial release": rows
        and layer.field("CDMA.D_MISC_CFG.DATA_REUSE") != layer.field("CSC.D_MISC_CFG.DATA_REUSE"),
        "both keep weights and some rows": layer.keeps_weights and layer.keeps_some_rows,
    }


def _after(before: _Layer, layer: _Layer) -> dict[str, bool]:
    """Corners of a layer behind another: steps 1 to 5 of section 1, rules of section 3."""
    same_data, same_weights = before.data_bank == layer.data_bank, before.weight_bank == layer.weight_bank
    same_kind = before.decoded.pixel == layer.decoded.pixel
    left = before.keeps_all_rows or before.keeps_some_rows
    rows, weights = layer.fetch.kept_rows > 0, not layer.fetch.weights
    shape, other = before.decoded, layer.decoded
    return {
        "other data banks": not same_data,
        "other weight banks alone": same_data and not same_weights,
        "rows stay with other weight banks": rows and not same_weights,
        "rows are lost to other banks": left and not same_data,
        "rows are asked for and lost to other banks": left and not same_data and layer.wants_rows,
        "weights are lost to other banks": before.keeps_weights and not (same_data and same_weights),
        "all rows are dropped": before.keeps_all_rows and same_data and same_kind and not layer.wants_rows,
        "some rows are dropped": before.keeps_some_rows and same_data and same_kind and not layer.wants_rows,
        "rows of the other kind are dropped": left and same_data and not same_kind,
        "rows of the other kind are asked for": left and same_data and not same_kind and layer.wants_rows,
        "weights are dropped": before.keeps_weights and same_data and same_weights and not layer.wants_weights,
        "rows are asked for in vain": not left and layer.wants_rows,
        "weights are asked for in vain": not before.keeps_weights and layer.wants_weights,
        "weights of the other kind": weights and not same_kind,
        "all rows after fewer": before.uses_fewer_rows and not layer.uses_fewer_rows and rows,
        "fewer kernels than are there": weights and other.kernels < shape.kernels,
        "all kernels after fewer": weights and other.kernels > shape.kernels,
        "another kernel over kept rows": rows and other.kernel_h != shape.kernel_h,
        "another stride over kept rows": rows and other.geometry != shape.geometry,
        "other padding above kept rows": rows and other.pad_top != shape.pad_top,
        "weights kept for another height": weights and other.height != shape.height,
    }
