"""CDP's registers with its two look-up tables behind them (pdp_cdp.md section 7)."""

from nvdla_int8.device.blocks import LayerBlock
from nvdla_int8.registers.lrn import LutEntries
from nvdla_int8.registers.register_map import unpack, unpack_signed

LUT_REGISTERS = "S_LUT_"
"""How the names of the registers begin that are not double-buffered and act at once."""

ACCESS, DATA = "S_LUT_ACCESS_CFG", "S_LUT_ACCESS_DATA"


class CdpBlock(LayerBlock):
    """The block CDP: accesses of S_LUT_ACCESS_DATA reach the tables, whose address moves on by itself.

    The tables are not double-buffered and keep what was written from layer to layer.
    """

    def __init__(self) -> None:
        super().__init__("CDP")
        self._tables = [list(table) for table in LutEntries()]

    @property
    def entries(self) -> LutEntries:
        """What lies in the tables."""
        return LutEntries(*map(tuple, self._tables))

    @property
    def lut_writes(self) -> bool:
        """Whether data that are written are stored."""
        return self._access("LUT_ACCESS_TYPE") == 1

    @property
    def lut_place(self) -> tuple[str, int, int]:
        """Name of the table that is accessed, the address in it and its last one."""
        return ("LE", "LO")[self._access("LUT_TABLE_ID")], self._access("LUT_ADDR"), len(self._table) - 1

    @property
    def _table(self) -> list[int]:
        return self._tables[self._access("LUT_TABLE_ID")]

    def _access(self, field: str) -> int:
        return unpack(f"CDP.{ACCESS}", super().read(ACCESS), field)

    def write(self, register: str, word: int) -> bool:
        """As :meth:`LayerBlock.write`; data that are written while the access reads are dropped."""
        if register != DATA:
            return super().write(register, word)
        if self.lut_writes:
            self._table[self._access("LUT_ADDR")] = unpack_signed(f"CDP.{DATA}", word, "LUT_DATA")
            self._move_on()
        return True

    def read(self, register: str) -> int:
        """As :meth:`LayerBlock.read`; data are the addressed entry, and S_LUT_ACCESS_CFG shows how far it moved on.

        Beside the table there is 0.
        """
        if register != DATA:
            return super().read(register)
        _, address, last = self.lut_place
        if address > last:
            return 0
        entry = self._table[address]
        if not self.lut_writes:
            self._move_on()
        return entry & 0xFFFF

    def _move_on(self) -> None:
        _, address, last = self.lut_place
        if address != last:
            self._single[ACCESS] += 1

    def layer(self) -> dict[str, int]:
        """The consumer's group, and the S_LUT_ registers, which belong to whatever layer runs."""
        lut = {f"CDP.{name}": word for name, word in self._single.items() if name.startswith(LUT_REGISTERS)}
        return super().layer() | lut
