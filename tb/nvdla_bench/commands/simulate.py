"""``nvdla-int8 simulate``: traces on the RTL of any device with the ports of nv_small."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from nvdla_bench.commands.options import PATH, replay_options
from nvdla_bench.files import SIM_BUILD
from nvdla_bench.player.player_file import Settings

if TYPE_CHECKING:
    from nvdla_bench.player.simulate import ReplayOptions


@click.command(short_help="Replay NVIDIA traces on RTL, in a simulator.")
@click.argument("paths", metavar="PATH...", nargs=-1, required=True, type=PATH)
@replay_options(Settings(), SIM_BUILD / "replay")
def simulate(
    paths: tuple[Path, ...], options: "ReplayOptions", json_path: Path | None, junit_path: Path | None
) -> None:
    """Replay traces on RTL and judge every check, and every byte of the memory by the golden device.

    PATH is a trace (.cfg) or a folder with traces below it. The exit status is 0 when all passed, 1 when
    a comparison failed, 2 when something else was wrong.
    """
    from nvdla_bench.player.report import conclude, replay_and_print  # needs the extra bench

    sys.exit(conclude(replay_and_print(paths, options), options, json_path, junit_path))
