"""What a layer of SDP does (hardware.md section 2)."""

from collections.abc import Iterator

from nvdla_int8.build import Build
from nvdla_int8.coverage.plan import Sample, Value
from nvdla_int8.coverage.samplers.counts import count_word, on
from nvdla_int8.coverage.samplers.layout import layout
from nvdla_int8.device.layer_run import LayerRun
from nvdla_int8.device.sdp_layer import SdpLayer
from nvdla_int8.registers.converters import X_PREFIXES
from nvdla_int8.stages.sdp import XStage

SAMPLERS = ("x1", "x2", "output", "memory")


def sdp_samples(run: LayerRun, build: Build) -> Iterator[Sample]:
    """Of X1 and X2, of the output converter, and of a layer that SDP reads from memory."""
    assert run.sdp is not None
    sdp = SdpLayer(run.registers, build)
    for which, stage in sdp.stages.items():
        yield Sample(which, _stage(which, stage, sdp, run))
    converter = sdp.output_converter
    output: dict[str, Value] = {
        "INT16": converter.int16,
        "shift": converter.shift_bits,
        "saturates": run.sdp.hardware_saturation > 0,
        "saturation not counted": not sdp.counts_saturation,
        "1x1": (sdp.height, sdp.width) == (1, 1),
        **layout(None if run.pooling is not None else run.destination),
    }
    yield Sample("output", output)
    if not sdp.flying:
        yield Sample("memory", {"channels": count_word(sdp.channels, build.memory_atom)})


def _stage(which: str, stage: XStage, sdp: SdpLayer, run: LayerRun) -> dict[str, Value]:
    at_work = not stage.bypass
    alu, mul = at_work and not stage.alu_bypass, at_work and not stage.mul_bypass
    prefix = X_PREFIXES[which]
    surface = sdp.operand_surface(which) if stage.reads_alu or stage.reads_mul else None
    mode = None if surface is None else "per element" if surface.per_element else "per kernel"
    switches = {"ALU": alu, "MUL": mul, "PReLU": stage.prelu, "ReLU": stage.relu}
    return {
        "bypassed": stage.bypass,
        **{name: on(is_on) if at_work else None for name, is_on in switches.items()},
        "algorithm": run.registers.field(f"SDP.D_DP_{prefix}_CFG.{prefix}_ALU_ALGO") if alu else None,
        "ALU operand": ("memory" if stage.reads_alu else "register") if alu else None,
        "ALU shift": stage.alu_shift_bits if alu else None,
        "MUL operand": ("memory" if stage.reads_mul else "register") if mul else None,
        "MUL shift": stage.mul_shift_bits if at_work else None,
        "stream": None if surface is None else str(surface.use),
        "bytes": None if surface is None else surface.element_bytes,
        "mode": mode,
    }
