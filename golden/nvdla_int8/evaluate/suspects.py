"""Scales of a table that do not fit their tensors, and the table with better ones."""

import math
from collections.abc import Iterable, Sequence

from nvdla_int8.calibration.table import CalibrationTable
from nvdla_int8.evaluate.entry_fit import ScaleFit
from nvdla_int8.network.float_network import FloatNetwork
from nvdla_int8.quantise.scale_groups import NetworkScales
from nvdla_int8.stages.tensor_scale import TensorScale

SUSPECT_DB = 6.0
"""A scale is suspected when a better one would make the noise of its tensors at least so much smaller: by one bit."""

SUSPECT_BITS = 0.5
"""... and it clips, or is so much wider: of values on a grid, as pixels are, a scale may be the very step by chance."""


def scale_groups(source: FloatNetwork, scales: NetworkScales) -> list[tuple[str, ...]]:
    """The tensors that the float network has and that become int8, by the scale that they share."""
    shared = {member: group.members for group in scales.shared for member in group.members}
    groups = dict.fromkeys(shared.get(name, (name,)) for name in scales.of)
    measured = (tuple(name for name in group if source.tensors[name].measured) for group in groups)
    return [group for group in measured if group]


def at_fault(scales: NetworkScales, fit: ScaleFit) -> tuple[str, ...]:
    """The tensors whose own entries make a scale what it is: those that are off by at least half as many bits."""
    own = next((group.asked for group in scales.shared if fit.tensors[0] in group.members), None)
    if own is None:
        return fit.tensors
    off = {name: math.log2(own[name].scale / fit.better) for name in fit.tensors if name in own}
    return tuple(name for name, bits in off.items() if bits / fit.excess_bits >= 0.5)


def suspects(source: FloatNetwork, fits: Iterable[ScaleFit]) -> list[ScaleFit]:
    """The scales of the table that do not fit, the worst first; those that the network says itself are left alone."""
    found = [
        fit
        for fit in fits
        if fit.gain_db >= SUSPECT_DB
        and (fit.clipped_share > 0 or fit.excess_bits >= SUSPECT_BITS)
        and all(source.tensors[name].scale is None for name in fit.tensors)
    ]
    return sorted(found, key=lambda fit: fit.gain_db, reverse=True)


def repaired(table: CalibrationTable, repairs: Sequence[ScaleFit]) -> CalibrationTable:
    """The table, whose entries have the tensors' names, with the better scales."""
    better = {name: fit.better for fit in repairs for name in fit.tensors}
    entries = [
        TensorScale(entry.name, better[entry.name]) if entry.name in better else entry for entry in table.entries
    ]
    return CalibrationTable.from_entries(entries, table.path, header=table.header)
