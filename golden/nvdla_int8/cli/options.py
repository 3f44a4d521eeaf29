"""What several commands share: the build's option, the head of JSON reports."""

from importlib.metadata import version
from typing import Any

import click

build_option = click.option("--build", default="nv_small", show_default=True, help="The build to run on.")


def report_head(build: str) -> dict[str, Any]:
    """The first entries of a JSON report: the tool, its version, the build."""
    return {"tool": "nvdla-int8", "version": version("nvdla-int8"), "build": build}
