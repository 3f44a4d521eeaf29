"""The units that probes tell apart, and which each builds on."""

from enum import Enum


class Unit(Enum):
    """A unit or property, in the order in which they are probed."""

    REGISTERS = "registers"
    INTERRUPTS = "interrupts"
    MEMORY = "memory path of SDP"
    OUTPUT_CONVERTER = "output converter"
    X1 = "X1"
    X2 = "X2"
    CONVOLUTION = "plain convolution (CDMA to CACC)"
    MULTIPLIERS = "multipliers of CMAC"
    WEIGHTS = "weight order"
    ACCUMULATOR = "accumulator"
    PADDING = "padding and steps"
    INPUT_CONVERTER = "input converter"
    PIXELS = "pixel formats"
    CBUF = "CBUF"
    PING_PONG = "ping-pong"
    POOLING = "PDP from memory"
    FLYING = "PDP behind SDP"
    LRN = "CDP"

    @property
    def builds_on(self) -> tuple["Unit", ...]:
        """The units that must be sound for its probes to tell of this one."""
        return _BUILDS_ON[self]

    @property
    def ancestors(self) -> frozenset["Unit"]:
        """All that it builds on, and they do."""
        return frozenset().union(*({base, *base.ancestors} for base in self.builds_on))


_BUILDS_ON: dict[Unit, tuple[Unit, ...]] = {
    Unit.REGISTERS: (),
    Unit.INTERRUPTS: (Unit.REGISTERS,),
    Unit.MEMORY: (Unit.INTERRUPTS,),
    Unit.OUTPUT_CONVERTER: (Unit.MEMORY,),
    Unit.X1: (Unit.MEMORY,),
    Unit.X2: (Unit.MEMORY,),
    Unit.CONVOLUTION: (Unit.MEMORY,),
    Unit.MULTIPLIERS: (Unit.CONVOLUTION, Unit.OUTPUT_CONVERTER),
    Unit.WEIGHTS: (Unit.MULTIPLIERS,),
    Unit.ACCUMULATOR: (Unit.WEIGHTS,),
    Unit.PADDING: (Unit.WEIGHTS,),
    Unit.INPUT_CONVERTER: (Unit.CONVOLUTION,),
    Unit.PIXELS: (Unit.PADDING, Unit.INPUT_CONVERTER),
    Unit.CBUF: (Unit.WEIGHTS,),
    Unit.PING_PONG: (Unit.WEIGHTS,),
    Unit.POOLING: (Unit.INTERRUPTS,),
    Unit.FLYING: (Unit.POOLING, Unit.WEIGHTS),
    Unit.LRN: (Unit.INTERRUPTS,),
}
