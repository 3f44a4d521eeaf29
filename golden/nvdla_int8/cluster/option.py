"""The option ``--cluster``, the same for all commands that have it."""

import click

cluster_option = click.option(
    "--cluster",
    "cluster_address",
    metavar="ADDRESS|local",
    help="Run on Dask: the address of a scheduler, tcp://HOST:PORT, or processes of this machine, one a core.",
)
"""Gives a command ``cluster_address``, None when it is to work in its own process."""
