"""What each block's two groups of registers held when a layer began, as far as layers that ran tell."""

from collections.abc import Iterator
from typing import NamedTuple

from nvdla_int8.checkup.timeline import Timeline, TimelineLayer
from nvdla_int8.registers.register_map import find_register


class Held(NamedTuple):
    """What a group of a block held.

    Attributes
    ----------
    by
        Whose registers these are; None for what they are after reset.
    values
        By ``BLOCK.REGISTER``; those of the layer's block that count.
    """

    by: TimelineLayer | None
    values: dict[str, int]

    @property
    def whose(self) -> str:
        """In words, to stand behind a value."""
        return "after reset" if self.by is None else f"of {self.by.name}"


def counting_registers(layer: TimelineLayer, block: str) -> Iterator[str]:
    """Registers of a layer's block that software writes and that have an effect on its bytes."""
    for name in layer.run.registers.values:
        register = find_register(name)
        counts = any("w" in field.access and not field.ignored for field in register.fields.values())
        if name.partition(".")[0] == block and counts and not register.ignored and "OP_ENABLE" not in name:
            yield name


def own_group_before(timeline: Timeline, layer: TimelineLayer, block: str) -> Held:
    """What the group in which a layer ran held before software programmed it."""
    return _held(layer, _last_user(timeline, layer, block, other=False), block)


def other_group(timeline: Timeline, layer: TimelineLayer, block: str) -> Held:
    """What the other group held: mostly the registers of the layer before in this block."""
    return _held(layer, _last_user(timeline, layer, block, other=True), block)


def next_user(timeline: Timeline, layer: TimelineLayer, block: str) -> Held | None:
    """What the other group holds once software has programmed the next layer of this block; None without one."""
    later = [one for one in timeline.layers[layer.index + 1 :] if block in one.run.registers.blocks]
    return _held(layer, later[0], block) if later else None


def single_before(timeline: Timeline, layer: TimelineLayer, block: str) -> Held:
    """What the registers of a block that have no groups held before."""
    earlier = [one for one in timeline.layers[: layer.index] if block in one.run.registers.blocks]
    return _held(layer, earlier[-1] if earlier else None, block)


def _last_user(timeline: Timeline, layer: TimelineLayer, block: str, *, other: bool) -> TimelineLayer | None:
    """The last layer before in the same group of a block, or in the other one.

    SDP_RDMA takes its turns with SDP: software enables it where it has nothing to fetch as well.
    """
    turns = "SDP" if block == "SDP_RDMA" else block
    earlier = [one for one in timeline.layers[: layer.index] if turns in one.run.registers.blocks]
    group = earlier[-1::-2] if other else earlier[-2::-2]
    return next((one for one in group if block in one.run.registers.blocks), None)


def _held(layer: TimelineLayer, by: TimelineLayer | None, block: str) -> Held:
    names = counting_registers(layer, block)
    if by is None:
        return Held(None, {name: find_register(name).reset for name in names})
    return Held(by, {name: by.run.registers.values[name] for name in names})
