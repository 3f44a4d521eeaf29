"""What the device has to say about a program: errors it will not run, warnings it runs all the same."""

from dataclasses import dataclass

from nvdla_int8.errors import BenchError

UNMODELLED = "unmodelled"
"""The rule of an error that is the model's lack, not the program's fault: a unit that it has not."""


@dataclass(frozen=True)
class Diagnostic:
    """One finding.

    ``rule`` is a short name, an erratum's number among them; ``where`` the register or block with
    its value; ``error`` tells whether the program cannot run.
    """

    rule: str
    where: str
    text: str
    error: bool

    def __str__(self) -> str:
        return f"{'error' if self.error else 'warning'} [{self.rule}] {self.where}: {self.text}"


class IllegalProgramError(BenchError):
    """A program the hardware would not run as meant; ``diagnostics`` holds every finding."""

    def __init__(self, diagnostics: list[Diagnostic]) -> None:
        self.diagnostics = tuple(diagnostics)
        more = f" (and {len(diagnostics) - 1} more)" if len(diagnostics) > 1 else ""
        super().__init__(f"{diagnostics[0]}{more}")
