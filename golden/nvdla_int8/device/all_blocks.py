"""All blocks of a device that layers run on."""

from collections.abc import Iterable, Iterator

from nvdla_int8.device.blocks import LayerBlock, LayerRegisters
from nvdla_int8.device.cdp_block import CdpBlock
from nvdla_int8.registers.register_map import LAYER_BLOCKS


class Blocks:
    """The blocks by name; ``cdp`` is the one with tables."""

    def __init__(self) -> None:
        self.cdp = CdpBlock()
        self._blocks = {name: self.cdp if name == "CDP" else LayerBlock(name) for name in LAYER_BLOCKS}

    def __getitem__(self, name: str) -> LayerBlock:
        return self._blocks[name]

    def __iter__(self) -> Iterator[LayerBlock]:
        return iter(self._blocks.values())

    def enabled(self, name: str) -> bool:
        """The group whose turn it is in a block has been handed over."""
        return self[name].enabled(self[name].consumer)

    def turn(self, name: str) -> str:
        """A block and the group whose turn it is, in words."""
        return f"{name} group {self[name].consumer}"

    def layer(self, names: Iterable[str]) -> LayerRegisters:
        """Registers of the groups whose turn it is in these blocks."""
        values: dict[str, int] = {}
        for name in names:
            values.update(self[name].layer())
        return LayerRegisters(values)
