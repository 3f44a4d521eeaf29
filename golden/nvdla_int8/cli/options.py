"""What several commands share: the build's option, those of compiled networks, the head of JSON reports."""

from importlib.metadata import version
from pathlib import Path
from typing import Any

import click

from nvdla_int8.driver.driver import Order
from nvdla_int8.errors import BenchError

build_option = click.option("--build", default="nv_small", show_default=True, help="The build to run on.")

work_order_option = click.option(
    "--work-order",
    type=click.Choice([order.value for order in Order]),
    help="Of a compiled network: the driver's order of work, with two layers of a unit ahead, or layer by layer.  "
    "[default: driver]",
)


def check_of_loadable(option: str, value: object, path: Path) -> None:
    """BenchError for an option of compiled networks that is given with something else."""
    if value is not None:
        raise BenchError(f"{option} is for compiled networks (.nvdla), {path} is none")


def report_head(build: str) -> dict[str, Any]:
    """The first entries of a JSON report: the tool, its version, the build."""
    return {"tool": "nvdla-int8", "version": version("nvdla-int8"), "build": build}
