"""The files that ``write`` makes of register programs."""

from dataclasses import dataclass
from pathlib import Path

import click

from nvdla_int8.compiler.forms import WRITERS
from nvdla_int8.compiler.register_program import RegisterProgram


@dataclass(frozen=True)
class ProgramFiles:
    """Which files are wanted.

    Attributes
    ----------
    folder
        Where.
    name
        Of the program and its files.
    forms
        Names among :data:`nvdla_int8.compiler.forms.WRITERS`.
    """

    folder: Path
    name: str
    forms: tuple[str, ...]

    def write(self, program: RegisterProgram) -> None:
        """Write a program in every form and print its files, a line a form."""
        for form in self.forms:
            first, *others = WRITERS[form](program, self.folder)
            click.echo(", ".join((f"{form}: {first}", *(path.name for path in others))))
