"""A fault: one place of one file that reads otherwise."""

import difflib
from dataclasses import dataclass
from typing import Literal

from nvdla_int8.errors import BenchError

Of = Literal["rtl", "netlist", "model"]


@dataclass(frozen=True)
class Mutant:
    """A fault that an operator made.

    Attributes
    ----------
    of
        What it is in: the Verilog source, the netlist that Yosys makes of a unit, or the model.
    operator
        The kind of fault, such as ``swapped operator``.
    file
        Below the RTL's or the model's folder; of a netlist the module's file.
    offset, old, new
        The text that is replaced, and where it begins. Of a netlist ``old`` is the unit bench that it was made for, and
        ``new`` is Yosys' command.
    """

    of: Of
    operator: str
    file: str
    offset: int
    old: str
    new: str

    @property
    def name(self) -> str:
        """What reports and the line that reproduces it call it; the same as long as the file is."""
        return f"{self.of}:{self.file}:{self.operator.replace(' ', '-')}:{self.offset}:{abs(hash_of(self.new)):04x}"

    def apply(self, text: str) -> str:
        """The file with the fault; BenchError when the file is another one."""
        if not text.startswith(self.old, self.offset):
            raise BenchError(f"{self.file}: {self.old!r} is not at {self.offset}: the file has changed")
        return text[: self.offset] + self.new + text[self.offset + len(self.old) :]

    def diff(self, text: str) -> str:
        """The lines that change, as a diff without its head; of a netlist what Yosys was told."""
        if self.of == "netlist":
            return f"{self.old}: {self.new}"
        lines = difflib.unified_diff(text.splitlines(), self.apply(text).splitlines(), n=0, lineterm="")
        return "\n".join(line for line in lines if not line.startswith(("---", "+++")))


def hash_of(text: str) -> int:
    """A small number that tells faults at the same place from one another, the same in every process."""
    return sum(byte * (index + 1) for index, byte in enumerate(text.encode())) % 65521
