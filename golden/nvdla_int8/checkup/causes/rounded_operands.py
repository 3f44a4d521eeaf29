"""Causes: operands that were made integers in another way: some are one less or more, which the board's bytes tell."""

from collections.abc import Iterator
from dataclasses import replace
from math import log2
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from nvdla_int8.checkup.cause import BoardOutput, Cause, Change, Family, Scene
from nvdla_int8.checkup.causes.factors import suggest_misreadings
from nvdla_int8.checkup.causes.units import UNITS, X_UNITS, Unit, XUnit, alu_name, is_identity, scale_field, then
from nvdla_int8.checkup.replay import NoRoomError, run_changed
from nvdla_int8.device.blocks import LayerRegisters
from nvdla_int8.device.points import Point, Sites, XOperands

Integers = NDArray[np.int64]
Agrees = NDArray[np.bool_]

LOOKED_AT = 64
"""Pixels that must agree before the whole output is computed."""
ENOUGH = 0.5
"""Share of their bytes that agree before anything is adjusted: one step of a multiplier changes few."""
ADVICE = "Factors and biases are rounded to the nearest integer; truncation makes about half of them one less."


class Place(NamedTuple):
    """Operands per kernel, or one for the layer, of which each may be one off."""

    unit: Unit
    operand: str
    groups: int


def suggest_rounded_operands(scene: Scene) -> Iterator[Cause]:
    """Operands of each kernel that are one off, and factors that are misread and rounded otherwise besides."""
    if scene.board is None or scene.layer.run.writer != "SDP" or scene.sdp is None:
        return
    registers = scene.registers
    for unit in X_UNITS:
        if unit.reads(registers, "ALU") and not unit.per_element(registers):
            yield from _adjusted(Place(unit, "ALU", scene.sdp.channels), None, scene, scene.board)
    for place in _multipliers(scene, scene.sdp.channels):
        rounded = list(_adjusted(place, None, scene, scene.board)) if place.groups > 1 else []
        yield from rounded
        if not rounded:  # otherwise many a misreading could be adjusted until it fits
            for misreading in suggest_misreadings(place.unit, scene):
                yield from _adjusted(place, misreading, scene, scene.board)


def _multipliers(scene: Scene, channels: int) -> Iterator[Place]:
    """Multipliers of each kernel, and the scales and multipliers that are one for the layer."""
    registers = scene.registers
    for unit in UNITS:
        if not unit.multiplies(registers) or is_identity(unit, registers):
            continue
        if not isinstance(unit, XUnit) or not unit.reads(registers, "MUL"):
            yield Place(unit, "MUL", 1)
        elif not unit.per_element(registers):
            yield Place(unit, "MUL", channels)


def _adjusted(place: Place, misreading: Cause | None, scene: Scene, board: BoardOutput) -> Iterator[Cause]:
    """The adjustments with which every kernel comes out as on the board, if there are any."""
    sites = _some_sites(board)
    if _steps_that_agree(place, misreading, scene, board, sites) is None:
        return
    steps = _steps_that_agree(place, misreading, scene, board, None)
    if steps is not None and steps.any():
        yield _cause(place, misreading, steps, scene)


def _steps_that_agree(
    place: Place, misreading: Cause | None, scene: Scene, board: BoardOutput, sites: Sites | None
) -> Integers | None:
    """-1, 0 or 1 for each group; None when none of them gives a group's bytes."""
    steps = np.zeros(place.groups, np.int64)
    agrees, share = _agreement(place, misreading, steps, scene, board, sites)
    if share < ENOUGH:
        return None
    for step in (-1, 1):
        if agrees.all():
            break
        tried, _ = _agreement(place, misreading, np.full(place.groups, step), scene, board, sites)
        steps[tried & ~agrees] = step
        agrees = agrees | tried
    return steps if agrees.all() else None


def _agreement(
    place: Place, misreading: Cause | None, steps: Integers, scene: Scene, board: BoardOutput, sites: Sites | None
) -> tuple[Agrees, float]:
    """Which groups come out as on the board, and the share of all bytes that do."""
    convolution = scene.layer.run.convolution
    delivered = None
    if convolution is not None and place.unit.block == "SDP":
        delivered = convolution.delivered if sites is None else sites.of(convolution.delivered)
    cause = _cause(place, misreading, steps, scene)
    try:
        output = run_changed(scene, [cause], scene.state, sites, delivered)[0].output.view(np.uint8)
    except NoRoomError:
        return np.zeros(place.groups, np.bool_), 0.0
    values, known = (board.values, board.known) if sites is None else (sites.of(board.values), sites.of(board.known))
    right = (output == values) | ~known
    if place.groups == 1:
        return np.array([right.all()]), float(right.mean())
    return right[: place.groups].all(axis=(1, 2)), float(right.mean())


def _some_sites(board: BoardOutput) -> Sites:
    places = np.flatnonzero(board.known.any(axis=0))
    spread = np.unique(np.linspace(0, len(places) - 1, min(LOOKED_AT, len(places))).astype(np.int64))
    y, x = np.unravel_index(places[spread], board.known.shape[1:])
    return Sites(np.asarray(y), np.asarray(x))


def _cause(place: Place, misreading: Cause | None, steps: Integers, scene: Scene) -> Cause:
    unit, changed = place.unit, int(np.count_nonzero(steps))
    freedom_bits = place.groups * log2(2 if steps.max() <= 0 else 3)
    is_bias = place.operand == "ALU" and isinstance(unit, XUnit)
    name = alu_name(unit, scene.registers) if is_bias and isinstance(unit, XUnit) else "multiplier"
    kernels = f"of {changed} of {place.groups} kernels" if place.groups > 1 else "of the layer"
    how = "one less, as if truncated" if steps.max() <= 0 else "one off"
    words = f"{unit.name}'s {name} {kernels} is {how}"
    changes = then(() if misreading is None else misreading.changes, _step_change(place, steps))
    if misreading is not None:
        words = f"{misreading.words}, and {words}"
        return replace(misreading, words=words, changes=changes, everywhere=False, freedom_bits=freedom_bits)
    family = Family.OPERANDS
    return Cause("operand-less-one", family, unit.title, words, ADVICE, changes, freedom_bits=freedom_bits)


def _step_change(place: Place, steps: Integers) -> Change:
    unit, name = place.unit, place.operand.lower()
    if place.groups > 1 and isinstance(unit, XUnit):

        def operands(operands: XOperands, _scene: Scene) -> XOperands:
            values = getattr(operands, name).copy()
            values[: len(steps), 0, 0] += steps
            return operands._replace(**{name: values})

        return Change(unit.operands, operands)
    field = scale_field(unit)

    def registers(registers: LayerRegisters, _scene: Scene) -> LayerRegisters:
        return registers.with_fields({field: registers.signed_field(field) + int(steps[0])})

    return Change(Point.REGISTERS, registers)
