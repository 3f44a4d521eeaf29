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
    INPUT = "input path of CDMA"
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


_BUILDS_ON: dict[Unit, tuple[Unit, ...]] = {
    Unit.REGISTERS: (),
    Unit.INTERRUPTS: (Unit.REGISTERS,),
    Unit.MEMORY: (Unit.INTERRUPTS,),
    Unit.OUTPUT_CONVERTER: (Unit.MEMORY,),
    Unit.X1: (Unit.MEMORY,),
    Unit.X2: (Unit.MEMORY,),
    Unit.INPUT: (Unit.MEMORY,),
    Unit.WEIGHTS: (Unit.INPUT,),
    Unit.ACCUMULATOR: (Unit.WEIGHTS, Unit.OUTPUT_CONVERTER),
    Unit.PADDING: (Unit.WEIGHTS,),
    Unit.INPUT_CONVERTER: (Unit.INPUT,),
    Unit.PIXELS: (Unit.PADDING, Unit.INPUT_CONVERTER),
    Unit.CBUF: (Unit.WEIGHTS,),
    Unit.PING_PONG: (Unit.WEIGHTS,),
    Unit.POOLING: (Unit.INTERRUPTS,),
    Unit.FLYING: (Unit.POOLING, Unit.WEIGHTS),
    Unit.LRN: (Unit.INTERRUPTS,),
}
