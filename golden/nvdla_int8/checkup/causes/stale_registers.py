"""Registers that are not the layer's own: of the other group, or kept because a write was lost."""

from collections.abc import Iterator, Mapping
from functools import partial

from nvdla_int8.checkup.cause import Cause, Change, Family, Scene
from nvdla_int8.checkup.register_groups import (
    Held,
    counting_registers,
    next_user,
    other_group,
    own_group_before,
    single_before,
)
from nvdla_int8.device.blocks import LayerRegisters
from nvdla_int8.device.points import Point

SHORT = 1 << 10
"""Values below it are told in decimal."""


def suggest_stale_registers(scene: Scene) -> Iterator[Cause]:
    """Whole blocks first, the smaller number; then one register after the other."""
    blocks = sorted(scene.registers.blocks)
    yield from _of_other_groups(scene, blocks)
    yield from _not_programmed(scene, blocks)
    yield from _lost_writes(scene, blocks)


def _of_other_groups(scene: Scene, blocks: list[str]) -> Iterator[Cause]:
    for which in (other_group, next_user):
        found = {block: held for block in blocks if (held := which(scene.timeline, scene.layer, block)) is not None}
        kept = {block: stale for block, held in found.items() if (stale := _differing(scene, held))}
        for block, stale in kept.items():
            yield _cause(
                "other-group",
                block,
                f"{block} ran with the registers of its other group, {found[block].whose}",
                f"Write {block}.S_POINTER before the layer's registers and its D_OP_ENABLE, and check CONSUMER.",
                stale,
            )
        if len(kept) > 1:
            every = {name: word for stale in kept.values() for name, word in stale.items()}
            whose = " and ".join(dict.fromkeys(found[block].whose for block in kept))
            yield _cause(
                "other-group",
                "the driver",
                f"all its blocks ran with the registers of their other groups, {whose}",
                "Write every S_POINTER before the layer's registers and the D_OP_ENABLEs.",
                every,
            )


def _not_programmed(scene: Scene, blocks: list[str]) -> Iterator[Cause]:
    """A block whose group kept all that it held; one write alone is told as that."""
    whole: dict[str, int] = {}
    several = 0
    for block in blocks:
        held = own_group_before(scene.timeline, scene.layer, block)
        stale = _differing(scene, held)
        whole |= stale
        several += bool(stale)
        if len(stale) > 1:
            yield _cause(
                "block-not-programmed",
                block,
                f"{block} was not programmed: its group kept the registers {held.whose}",
                f"Check that {block}'s registers reach the group that runs: PRODUCER, and its D_OP_ENABLE at 0.",
                stale,
            )
    if several > 1:
        yield _cause(
            "block-not-programmed",
            "the driver",
            "none of its blocks was programmed: their groups kept what earlier layers or reset left",
            "Check PRODUCER of every block, and that its D_OP_ENABLE is 0 while registers are written.",
            whole,
        )


def _lost_writes(scene: Scene, blocks: list[str]) -> Iterator[Cause]:
    for block in blocks:
        grouped = own_group_before(scene.timeline, scene.layer, block)
        single = single_before(scene.timeline, scene.layer, block)
        for name in counting_registers(scene.layer, block):
            held = grouped if name.partition(".")[2].startswith("D_") else single
            old, new = held.values[name], scene.registers.values[name]
            if old == new:
                continue
            yield _cause(
                "lost-register-write",
                block,
                f"the write of {name} was lost: the group kept {_told(old)} {held.whose}, not {_told(new)}",
                f"Read {name} back before the layer is enabled; writes are lost while the group's D_OP_ENABLE is 1.",
                {name: old},
            )


def _differing(scene: Scene, held: Held) -> dict[str, int]:
    """The registers of groups whose values are not the layer's."""
    own = scene.registers.values
    grouped = {name: word for name, word in held.values.items() if name.partition(".")[2].startswith("D_")}
    return {name: word for name, word in grouped.items() if word != own[name]}


def _cause(key: str, unit: str, words: str, advice: str, values: Mapping[str, int]) -> Cause:
    return Cause(key, Family.CONTROL, unit, words, advice, (Change(Point.REGISTERS, partial(_with, values)),))


def _with(values: Mapping[str, int], registers: LayerRegisters, _: Scene) -> LayerRegisters:
    return registers.with_words(values)


def _told(word: int) -> str:
    return f"{word}" if word < SHORT else f"{word:#x}"
