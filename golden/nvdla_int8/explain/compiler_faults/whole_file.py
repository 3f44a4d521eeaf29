"""Faults of a whole file: another build, units that nv_small has not, what the compiler passes over in a table."""

from collections.abc import Iterator

from nvdla_int8.build import NV_SMALL
from nvdla_int8.explain.compiler_faults.words import joined, layer_words
from nvdla_int8.explain.findings import FaultKind, Finding, Severity
from nvdla_int8.explain.network_match import NetworkMatch
from nvdla_int8.loadable.descriptors import SdpOperation
from nvdla_int8.loadable.layers import LoadableLayer
from nvdla_int8.loadable.loadable import Loadable


def other_build(loadable: Loadable) -> Iterator[Finding]:
    """Compiled for a build that is not nv_small (section 11, defect 1)."""
    build = loadable.build
    if not build.names or NV_SMALL.name in build.names:
        return
    yield Finding(
        FaultKind.BUILD,
        None,
        f"compiled for {joined(build.names).replace(' and ', ' or ')}, not for nv_small",
        f"{build.evidence}. NVIDIA's compiler compiles for nv_full when it does not know its --configtarget, says so "
        'in one line, "Invalid target config", and ends with status 0',
        "compile again with --configtarget nv_small: opendla-small, which its help names, it does not know",
        Severity.WRONG,
    )


def unknown_units(loadable: Loadable, layers: tuple[LoadableLayer, ...]) -> Iterator[Finding]:
    """SDP's Y unit and its tables, which nv_small has not (defect 8)."""
    if loadable.build.names and NV_SMALL.name not in loadable.build.names:
        return
    for place, layer in enumerate(layers):
        operation = layer.sdp.operation if layer.sdp else None
        if not isinstance(operation, SdpOperation) or not (operation.y_op.enable or operation.lut_index >= 0):
            continue
        what = "SDP's Y unit" if operation.y_op.enable else "a look-up table of SDP"
        yield Finding(
            FaultKind.LUT,
            place,
            f"{layer_words(layer, None, place)} uses {what}, which nv_small does not have",
            "the registers are written and ignored: what comes out is what X1, X2 and the converter make",
            "use layers without look-up tables, such as ReLU, or a build with a Y unit",
            Severity.WRONG,
        )


def passed_over(match: NetworkMatch) -> Iterator[Finding]:
    """What a table says and the compiler does not take: offsets; a layer without an entry (defect 13)."""
    assert match.table is not None
    entries = {
        entry.name: entry for one in match.layers for entry in (one.source_entry, one.output_entry) if entry is not None
    }
    offsets = [entry for entry in entries.values() if entry.offset]
    if offsets:
        listed = joined(f"{entry.name!r} ({entry.offset:+d})" for entry in offsets[:6])
        yield Finding(
            FaultKind.OFFSET,
            None,
            f"the table's offsets are ignored: {len(offsets)} entries have one",
            f"{listed}: the compiler takes the scale and passes over the offset, so values are off by offset * scale",
            "make the table symmetric: offset 0 and scale max(|min|, |max|) / 127, as `nvdla-int8 calibrate` does",
            Severity.WRONG,
        )
    missing = [one for one in match.layers if one.nodes.nodes and one.output_entry is None]
    if missing:
        names = joined(repr(one.nodes.output) for one in missing[:6])
        yield Finding(
            FaultKind.MISSING_ENTRY,
            None,
            f"the table has no entry for {names}",
            "the compiler aborts without an entry, and does not say for which layer: the file was compiled with "
            "another table. It looks entries up by the layer's name, the input's by that of its blob",
            "give the table that the file was compiled with",
            Severity.NOTE,
        )
