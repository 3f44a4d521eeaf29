"""The command ``nvdla-int8``: calibration tables, layer programs, a board's wrong bytes, traces."""

from importlib.metadata import entry_points
from typing import Any

import click

from nvdla_int8.cli.commands.calibrate import calibrate
from nvdla_int8.cli.commands.check import check
from nvdla_int8.cli.commands.evaluate import evaluate
from nvdla_int8.cli.commands.explain import explain
from nvdla_int8.cli.commands.generate import generate
from nvdla_int8.cli.commands.program import program
from nvdla_int8.cli.commands.replay import replay
from nvdla_int8.cli.commands.requantise import requantise
from nvdla_int8.cli.commands.run import run
from nvdla_int8.cli.commands.table import table
from nvdla_int8.cli.commands.write import write
from nvdla_int8.report.one_line import one_line_errors

ENTRY_POINTS = "nvdla_int8.commands"
"""Entry points of this group are further commands; the bench, which the model does not know, brings its own."""


class _Group(click.Group):
    """The model's commands and the installed ones; bad input ends in one line and exit status 2."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted({*super().list_commands(ctx), *entry_points(group=ENTRY_POINTS).names})

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name in self.commands:
            return self.commands[cmd_name]
        for point in entry_points(group=ENTRY_POINTS, name=cmd_name):
            command: click.Command = point.load()
            return command
        return None

    def invoke(self, ctx: click.Context) -> Any:
        with one_line_errors("nvdla-int8"):
            return super().invoke(ctx)


@click.group(cls=_Group)
@click.version_option(package_name="nvdla-int8", prog_name="nvdla-int8")
def main() -> None:
    """NVDLA's INT8 path: from calibration tables to layer programs, bit by bit."""


for command in (table, calibrate, program, evaluate, run, check, requantise, replay, explain, write, generate):
    main.add_command(command)
