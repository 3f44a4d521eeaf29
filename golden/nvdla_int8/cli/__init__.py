"""The command ``nvdla-int8``: calibration tables, networks, layer programs, a board's wrong bytes, traces."""

from importlib import import_module
from importlib.metadata import entry_points
from typing import Any

import click

from nvdla_int8.report.one_line import one_line_errors

COMMANDS = (
    "table", "calibrate", "program", "evaluate", "run", "check", "requantise", "replay", "explain", "write", "generate",
    "dump", "probe", "register", "coverage",
)  # fmt: skip
"""The model's commands, each in a module of its name; only the one that is called is imported."""

ENTRY_POINTS = "nvdla_int8.commands"
"""Entry points of this group are further commands; the bench, which the model does not know, brings its own."""


class _Group(click.Group):
    """The model's commands and the installed ones; bad input ends in one line and exit status 2."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted({*COMMANDS, *entry_points(group=ENTRY_POINTS).names})

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        command: click.Command
        if cmd_name in COMMANDS:
            command = getattr(import_module(f"nvdla_int8.cli.commands.{cmd_name}"), cmd_name)
            return command
        for point in entry_points(group=ENTRY_POINTS, name=cmd_name):
            command = point.load()
            return command
        return None

    def invoke(self, ctx: click.Context) -> Any:
        with one_line_errors("nvdla-int8"):
            return super().invoke(ctx)


@click.group(cls=_Group)
@click.version_option(package_name="nvdla-int8", prog_name="nvdla-int8")
def main() -> None:
    """NVDLA's INT8 path: from calibration tables and networks to layer programs, bit by bit."""
