"""What replaying a trace gave: the verdict, and the first wrong element decoded (hardware.md section 6)."""

from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Any

from nvdla_int8.device import Diagnostic


class Verdict(StrEnum):
    """What became of a trace. ``unsupported`` is counted apart, everything else but ``passed`` as failed.

    ``failed``: a comparison did not agree. ``incomplete``: the trace waits for what never happens, or
    compares nothing. ``unsupported``: it uses a unit that is not modelled and was not run, or not to its end.
    """

    PASSED = "passed"
    FAILED = "failed"
    INCOMPLETE = "incomplete"
    ILLEGAL = "illegal"
    UNREADABLE = "unreadable"
    MISSING = "missing"
    UNSUPPORTED = "unsupported"

    @property
    def exit_status(self) -> int:
        """Of a command that replays such a trace: 0 passed, 1 failed, 2 anything else."""
        return {Verdict.PASSED: 0, Verdict.FAILED: 1}.get(self, 2)


NOT_FOR_THE_DEVICE = (Verdict.ILLEGAL, Verdict.UNREADABLE, Verdict.MISSING, Verdict.UNSUPPORTED)
"""Verdicts of the golden device that no other device could change."""


@dataclass(frozen=True)
class Element:
    """The first wrong byte of a file's comparison, decoded.

    ``layer`` counts from 0 and is None, as are the coordinates, when no layer has an element there.
    ``lane`` tells that the channel is beyond the last: a lane that only pads its atom.
    """

    address: int
    expected: int
    actual: int
    layer: int | None = None
    channel: int | None = None
    y: int | None = None
    x: int | None = None
    lane: bool = False

    def describe(self, layers: int) -> str:
        """Where it is and both values, for a trace that ran this many layers."""
        where = "no layer's output"
        if self.layer is not None:
            which = f" of layer {self.layer}" if layers > 1 else ""
            lane = " (a lane beyond the last channel)" if self.lane else ""
            where = f"element (k={self.channel}, y={self.y}, x={self.x}){which}{lane}"
        values = f"expected {byte_words(self.expected)}, actual {byte_words(self.actual)}"
        return f"first at {self.address:#x}, {where}: {values}"


@dataclass(frozen=True)
class Difference:
    """What went wrong at a ``line`` of the ``.cfg``.

    ``never`` tells that it waits for what does not happen; otherwise a comparison does not agree.
    """

    line: int
    text: str
    element: Element | None = None
    never: bool = False


@dataclass
class TraceResult:
    """What replaying one trace gave.

    Attributes
    ----------
    path
        The ``.cfg``.
    checks, compared_bytes
        Comparisons made; a trace that compares nothing has not passed.
    message
        Why it did not pass: one line that starts with the file.
    differences
        Every comparison that does not agree, every wait in vain.
    errors
        What makes its program illegal.
    warnings
        What else the device had to say, errata among it.
    covered_layers
        By the ``.cfg``'s line of each comparison of memory, the layers whose whole output it compares
        while nothing else has written there.
    layers, macs
        Layers that ran, and the multiplications of their convolutions.
    """

    path: str
    verdict: Verdict = Verdict.PASSED
    checks: int = 0
    compared_bytes: int = 0
    covered_layers: dict[int, tuple[int, ...]] = field(default_factory=dict)
    message: str = ""
    differences: list[Difference] = field(default_factory=list)
    errors: list[Diagnostic] = field(default_factory=list)
    warnings: list[Diagnostic] = field(default_factory=list)
    layers: int = 0
    macs: int = 0
    seconds: float = 0.0

    @property
    def passed(self) -> bool:
        """Everything that was to be compared agreed."""
        return self.verdict is Verdict.PASSED

    def line(self) -> str:
        """One line for people."""
        checks = f"{self.checks} check{'' if self.checks == 1 else 's'}"
        seen = f"{self.path}: {checks}, {self.compared_bytes:,} bytes" if self.passed else self.message
        return f"{self.verdict.upper():10} {seen}"

    def as_dict(self) -> dict[str, Any]:
        """The fields, for JSON."""
        return asdict(self)


def byte_words(byte: int) -> str:
    """A byte, 0..255, as int8 in decimal and in hex."""
    return f"{byte - 256 if byte > 127 else byte} ({byte:#04x})"
