"""The command ``nvdla-int8``: calibration tables, layer programs, a board's wrong bytes, traces."""

from typing import Any

import click

from nvdla_int8.cli.board import check
from nvdla_int8.cli.generated import generate
from nvdla_int8.cli.networks import calibrate, program, run
from nvdla_int8.cli.programs import write
from nvdla_int8.cli.scales import requantise, table
from nvdla_int8.cli.traces import explain, replay
from nvdla_int8.errors import BenchError


class _OneLine(click.ClickException):
    exit_code = 2

    def show(self, file: Any = None) -> None:
        click.echo(f"nvdla-int8: error: {self.message}", err=True)


class _Group(click.Group):
    """Bad input and files that cannot be used end in one line and exit status 2."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except BenchError as error:
            raise _OneLine(str(error)) from None
        except OSError as error:
            if error.filename is None:  # not a file of ours: click deals with closed pipes
                raise
            raise _OneLine(f"{error.filename}: {error.strerror}") from None


@click.group(cls=_Group)
@click.version_option(package_name="nvdla-int8", prog_name="nvdla-int8")
def main() -> None:
    """NVDLA's INT8 path: from calibration tables to layer programs, bit by bit."""


for command in (table, calibrate, program, run, check, requantise, replay, explain, write, generate):
    main.add_command(command)
